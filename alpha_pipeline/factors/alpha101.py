"""
The 101 formulaic alphas, in the DSL.

Windows are whole bars (the paper's are rounded down); `advN` is the mean volume of N bars; where the paper adds a price
to a plain number, or compares price levels of symbols, `plain` says so. `sector`, `industry`, `subindustry` and `cap`
are fields of the panel.

Source: Kakushadze, 101 Formulaic Alphas, Wilmott 2016 (84), arXiv:1601.00991, appendix A.
"""

ALPHA101: dict[str, str] = {
    "alpha001": "rank(ts_argmax(signed_power(where(returns < 0, std(returns, 20), plain(close)), 2), 5)) - 0.5",
    "alpha002": "-corr(rank(delta(log(volume), 2)), rank((close - open) / open), 6)",
    "alpha003": "-corr(rank(plain(open)), rank(volume), 10)",
    "alpha004": "-ts_rank(rank(plain(low)), 9)",
    "alpha005": "rank(plain(open - sum(vwap, 10) / 10)) * -abs(rank(plain(close - vwap)))",
    "alpha006": "-corr(open, volume, 10)",
    "alpha007": "where(adv20 < volume, -ts_rank(abs(delta(close, 7)), 60) * sign(delta(close, 7)), -1)",
    "alpha008": "-rank(plain(sum(open, 5) * sum(returns, 5) - delay(sum(open, 5) * sum(returns, 5), 10)))",
    "alpha009": (
        "where(ts_min(delta(close, 1), 5) > 0, delta(close, 1), where(ts_max(delta(close, 1), 5) < 0, delta(close,"
        " 1), -delta(close, 1)))"
    ),
    "alpha010": (
        "rank(plain(where(ts_min(delta(close, 1), 4) > 0, delta(close, 1), where(ts_max(delta(close, 1), 4) < 0, "
        "delta(close, 1), -delta(close, 1)))))"
    ),
    "alpha011": (
        "(rank(plain(ts_max(vwap - close, 3))) + rank(plain(ts_min(vwap - close, 3)))) * rank(delta(volume, 3))"
    ),
    "alpha012": "sign(delta(volume, 1)) * -delta(close, 1)",
    "alpha013": "-rank(cov(rank(plain(close)), rank(volume), 5))",
    "alpha014": "-rank(delta(returns, 3)) * corr(open, volume, 10)",
    "alpha015": "-sum(rank(corr(rank(plain(high)), rank(volume), 3)), 3)",
    "alpha016": "-rank(cov(rank(plain(high)), rank(volume), 5))",
    "alpha017": "-rank(ts_rank(close, 10)) * rank(plain(delta(delta(close, 1), 1))) * rank(ts_rank(volume / adv20, 5))",
    "alpha018": "-rank(plain(std(abs(close - open), 5) + (close - open)) + corr(close, open, 10))",
    "alpha019": "-sign(close - delay(close, 7) + delta(close, 7)) * (1 + rank(1 + sum(returns, 250)))",
    "alpha020": (
        "-rank(plain(open - delay(high, 1))) * rank(plain(open - delay(close, 1))) * rank(plain(open - delay(low, 1)))"
    ),
    "alpha021": (
        "where(sum(close, 8) / 8 + std(close, 8) < sum(close, 2) / 2, -1, where(sum(close, 2) / 2 < sum(close, 8) "
        "/ 8 - std(close, 8), 1, where(volume / adv20 >= 1, 1, -1)))"
    ),
    "alpha022": "-delta(corr(high, volume, 5), 5) * rank(plain(std(close, 20)))",
    "alpha023": "where(sum(high, 20) / 20 < high, -delta(high, 2), 0)",
    "alpha024": (
        "where(delta(sum(close, 100) / 100, 100) / delay(close, 100) <= 0.05, -(close - ts_min(close, 100)), "
        "-delta(close, 3))"
    ),
    "alpha025": "rank(plain(-returns * adv20 * vwap * (high - close)))",
    "alpha026": "-ts_max(corr(ts_rank(volume, 5), ts_rank(high, 5), 5), 3)",
    "alpha027": "where(rank(sum(corr(rank(volume), rank(plain(vwap)), 6), 2) / 2) > 0.5, -1, 1)",
    "alpha028": "scale(corr(adv20, low, 5) + plain((high + low) / 2) - plain(close))",
    "alpha029": (
        "ts_min(product(rank(rank(scale(log(sum(ts_min(rank(rank(-rank(plain(delta(close - 1, 5))))), 2), 1))))), "
        "1), 5) + ts_rank(delay(-returns, 6), 5)"
    ),
    "alpha030": (
        "(1 - rank(sign(close - delay(close, 1)) + sign(delay(close, 1) - delay(close, 2)) + sign(delay(close, 2) "
        "- delay(close, 3)))) * sum(volume, 5) / sum(volume, 20)"
    ),
    "alpha031": (
        "rank(rank(rank(decay_linear(-rank(rank(plain(delta(close, 10)))), 10)))) + rank(plain(-delta(close, 3))) "
        "+ sign(scale(corr(adv20, low, 12)))"
    ),
    "alpha032": "scale(plain(sum(close, 7) / 7 - close)) + 20 * scale(corr(vwap, delay(close, 5), 230))",
    "alpha033": "rank(-(1 - open / close))",
    "alpha034": "rank(1 - rank(std(returns, 2) / std(returns, 5)) + (1 - rank(plain(delta(close, 1)))))",
    "alpha035": "ts_rank(volume, 32) * (1 - ts_rank(close + high - low, 16)) * (1 - ts_rank(returns, 32))",
    "alpha036": (
        "2.21 * rank(corr(close - open, delay(volume, 1), 15)) + 0.7 * rank(plain(open - close)) + 0.73 * "
        "rank(ts_rank(delay(-returns, 6), 5)) + rank(abs(corr(vwap, adv20, 6))) + 0.6 * rank(plain((sum(close, "
        "200) / 200 - open) * (close - open)))"
    ),
    "alpha037": "rank(corr(delay(open - close, 1), close, 200)) + rank(plain(open - close))",
    "alpha038": "-rank(ts_rank(close, 10)) * rank(close / open)",
    "alpha039": (
        "-rank(plain(delta(close, 7) * (1 - rank(decay_linear(volume / adv20, 9))))) * (1 + rank(sum(returns, 250)))"
    ),
    "alpha040": "-rank(plain(std(high, 10))) * corr(high, volume, 10)",
    "alpha041": "(high * low) ^ 0.5 - vwap",
    "alpha042": "rank(plain(vwap - close)) / rank(plain(vwap + close))",
    "alpha043": "ts_rank(volume / adv20, 20) * ts_rank(-delta(close, 7), 8)",
    "alpha044": "-corr(high, rank(volume), 5)",
    "alpha045": (
        "-(rank(plain(sum(delay(close, 5), 20) / 20)) * corr(close, volume, 2) * rank(corr(sum(close, 5), "
        "sum(close, 20), 2)))"
    ),
    "alpha046": (
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 > 0.25, -1, "
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < 0, 1, -(close - "
        "delay(close, 1))))"
    ),
    "alpha047": (
        "rank(plain(1 / close)) * volume / adv20 * (high * rank(plain(high - close)) / (sum(high, 5) / 5)) - "
        "rank(plain(vwap - delay(vwap, 5)))"
    ),
    "alpha048": (
        "group_demean(corr(delta(close, 1), delta(delay(close, 1), 1), 250) * delta(close, 1) / close, "
        "subindustry) / sum((delta(close, 1) / delay(close, 1)) ^ 2, 250)"
    ),
    "alpha049": (
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < -0.1, 1, -(close - "
        "delay(close, 1)))"
    ),
    "alpha050": "-ts_max(rank(corr(rank(volume), rank(plain(vwap)), 5)), 5)",
    "alpha051": (
        "where((delay(close, 20) - delay(close, 10)) / 10 - (delay(close, 10) - close) / 10 < -0.05, 1, -(close - "
        "delay(close, 1)))"
    ),
    "alpha052": (
        "(-ts_min(low, 5) + delay(ts_min(low, 5), 5)) * rank((sum(returns, 240) - sum(returns, 20)) / 220) * "
        "ts_rank(volume, 5)"
    ),
    "alpha053": "-delta((close - low - (high - close)) / (close - low), 9)",
    "alpha054": "-((low - close) * open ^ 5) / ((low - high) * close ^ 5)",
    "alpha055": "-corr(rank((close - ts_min(low, 12)) / (ts_max(high, 12) - ts_min(low, 12))), rank(volume), 6)",
    "alpha056": "-(rank(sum(returns, 10) / sum(sum(returns, 2), 3)) * rank(returns * cap))",
    "alpha057": "-((close - vwap) / decay_linear(rank(ts_argmax(close, 30)), 2))",
    "alpha058": "-ts_rank(decay_linear(corr(group_demean(plain(vwap), sector), volume, 3), 7), 5)",
    "alpha059": (
        "-ts_rank(decay_linear(corr(group_demean(plain(vwap * 0.728317 + vwap * (1 - 0.728317)), industry), "
        "volume, 4), 16), 8)"
    ),
    "alpha060": (
        "-(2 * scale(rank((close - low - (high - close)) / (high - low) * volume)) - scale(rank(ts_argmax(close, 10))))"
    ),
    "alpha061": "rank(plain(vwap - ts_min(vwap, 16))) < rank(corr(vwap, adv180, 17))",
    "alpha062": (
        "-(rank(corr(vwap, sum(adv20, 22), 9)) < rank(rank(plain(open)) + rank(plain(open)) < rank(plain((high + "
        "low) / 2)) + rank(plain(high))))"
    ),
    "alpha063": (
        "-(rank(decay_linear(delta(group_demean(plain(close), industry), 2), 8)) - rank(decay_linear(corr(vwap * "
        "0.318108 + open * (1 - 0.318108), sum(adv180, 37), 13), 12)))"
    ),
    "alpha064": (
        "-(rank(corr(sum(open * 0.178404 + low * (1 - 0.178404), 12), sum(adv120, 12), 16)) < "
        "rank(plain(delta((high + low) / 2 * 0.178404 + vwap * (1 - 0.178404), 3))))"
    ),
    "alpha065": (
        "-(rank(corr(open * 0.00817205 + vwap * (1 - 0.00817205), sum(adv60, 8), 6)) < rank(plain(open - "
        "ts_min(open, 13))))"
    ),
    "alpha066": (
        "-(rank(plain(decay_linear(delta(vwap, 3), 7))) + ts_rank(decay_linear((low * 0.96633 + low * (1 - "
        "0.96633) - vwap) / (open - (high + low) / 2), 11), 6))"
    ),
    "alpha067": (
        "-(rank(plain(high - ts_min(high, 2))) ^ rank(corr(group_demean(plain(vwap), sector), group_demean(adv20, "
        "subindustry), 6)))"
    ),
    "alpha068": (
        "-(ts_rank(corr(rank(plain(high)), rank(adv15), 8), 13) < rank(plain(delta(close * 0.518371 + low * (1 - "
        "0.518371), 1))))"
    ),
    "alpha069": (
        "-(rank(ts_max(delta(group_demean(plain(vwap), industry), 2), 4)) ^ ts_rank(corr(close * 0.490655 + vwap *"
        " (1 - 0.490655), adv20, 4), 9))"
    ),
    "alpha070": "-(rank(plain(delta(vwap, 1))) ^ ts_rank(corr(group_demean(plain(close), industry), adv50, 17), 17))",
    "alpha071": (
        "maximum(ts_rank(decay_linear(corr(ts_rank(close, 3), ts_rank(adv180, 12), 18), 4), 15), "
        "ts_rank(decay_linear(rank(plain(low + open - (vwap + vwap))) ^ 2, 16), 4))"
    ),
    "alpha072": (
        "rank(decay_linear(corr((high + low) / 2, adv40, 8), 10)) / rank(decay_linear(corr(ts_rank(vwap, 3), "
        "ts_rank(volume, 18), 6), 2))"
    ),
    "alpha073": (
        "-maximum(rank(plain(decay_linear(delta(vwap, 4), 2))), ts_rank(decay_linear(-(delta(open * 0.147155 + low"
        " * (1 - 0.147155), 2) / (open * 0.147155 + low * (1 - 0.147155))), 3), 16))"
    ),
    "alpha074": (
        "-(rank(corr(close, sum(adv30, 37), 15)) < rank(corr(rank(plain(high * 0.0261661 + vwap * (1 - "
        "0.0261661))), rank(volume), 11)))"
    ),
    "alpha075": "rank(corr(vwap, volume, 4)) < rank(corr(rank(plain(low)), rank(adv50), 12))",
    "alpha076": (
        "-maximum(rank(plain(decay_linear(delta(vwap, 1), 11))), "
        "ts_rank(decay_linear(ts_rank(corr(group_demean(plain(low), sector), adv81, 8), 19), 17), 19))"
    ),
    "alpha077": (
        "minimum(rank(plain(decay_linear((high + low) / 2 + high - (vwap + high), 20))), "
        "rank(decay_linear(corr((high + low) / 2, adv40, 3), 5)))"
    ),
    "alpha078": (
        "rank(corr(sum(low * 0.352233 + vwap * (1 - 0.352233), 19), sum(adv40, 19), 6)) ^ "
        "rank(corr(rank(plain(vwap)), rank(volume), 5))"
    ),
    "alpha079": (
        "rank(delta(group_demean(plain(close * 0.60733 + open * (1 - 0.60733)), sector), 1)) < "
        "rank(corr(ts_rank(vwap, 3), ts_rank(adv150, 9), 14))"
    ),
    "alpha080": (
        "-(rank(sign(delta(group_demean(plain(open * 0.868128 + high * (1 - 0.868128)), industry), 4))) ^ "
        "ts_rank(corr(high, adv10, 5), 5))"
    ),
    "alpha081": (
        "-(rank(log(product(rank(rank(corr(vwap, sum(adv10, 49), 8)) ^ 4), 14))) < rank(corr(rank(plain(vwap)), "
        "rank(volume), 5)))"
    ),
    "alpha082": (
        "-minimum(rank(plain(decay_linear(delta(open, 1), 14))), ts_rank(decay_linear(corr(group_demean(volume, "
        "sector), open * 0.634196 + open * (1 - 0.634196), 17), 6), 13))"
    ),
    "alpha083": (
        "rank(delay((high - low) / (sum(close, 5) / 5), 2)) * rank(rank(volume)) / ((high - low) / (sum(close, 5) "
        "/ 5) / (vwap - close))"
    ),
    "alpha084": "signed_power(ts_rank(vwap - ts_max(vwap, 15), 20), plain(delta(close, 4)))",
    "alpha085": (
        "rank(corr(high * 0.876703 + close * (1 - 0.876703), adv30, 9)) ^ rank(corr(ts_rank((high + low) / 2, 3), "
        "ts_rank(volume, 10), 7))"
    ),
    "alpha086": "-(ts_rank(corr(close, sum(adv20, 14), 6), 20) < rank(plain(open + close - (vwap + open))))",
    "alpha087": (
        "-maximum(rank(plain(decay_linear(delta(close * 0.369701 + vwap * (1 - 0.369701), 1), 2))), "
        "ts_rank(decay_linear(abs(corr(group_demean(adv81, industry), close, 13)), 4), 14))"
    ),
    "alpha088": (
        "minimum(rank(decay_linear(rank(plain(open)) + rank(plain(low)) - (rank(plain(high)) + "
        "rank(plain(close))), 8)), ts_rank(decay_linear(corr(ts_rank(close, 8), ts_rank(adv60, 20), 8), 6), 2))"
    ),
    "alpha089": (
        "ts_rank(decay_linear(corr(low * 0.967285 + low * (1 - 0.967285), adv10, 6), 5), 3) - "
        "ts_rank(decay_linear(delta(group_demean(plain(vwap), industry), 3), 10), 15)"
    ),
    "alpha090": "-(rank(plain(close - ts_max(close, 4))) ^ ts_rank(corr(group_demean(adv40, subindustry), low, 5), 3))",
    "alpha091": (
        "-(ts_rank(decay_linear(decay_linear(corr(group_demean(plain(close), industry), volume, 9), 16), 3), 4) - "
        "rank(decay_linear(corr(vwap, adv30, 4), 2)))"
    ),
    "alpha092": (
        "minimum(ts_rank(decay_linear((high + low) / 2 + close < low + open, 14), 18), "
        "ts_rank(decay_linear(corr(rank(plain(low)), rank(adv30), 7), 6), 6))"
    ),
    "alpha093": (
        "ts_rank(decay_linear(corr(group_demean(plain(vwap), industry), adv81, 17), 19), 7) / "
        "rank(plain(decay_linear(delta(close * 0.524434 + vwap * (1 - 0.524434), 2), 16)))"
    ),
    "alpha094": "-(rank(plain(vwap - ts_min(vwap, 11))) ^ ts_rank(corr(ts_rank(vwap, 19), ts_rank(adv60, 4), 18), 2))",
    "alpha095": (
        "rank(plain(open - ts_min(open, 12))) < ts_rank(rank(corr(sum((high + low) / 2, 19), sum(adv40, 19), 12)) "
        "^ 5, 11)"
    ),
    "alpha096": (
        "-maximum(ts_rank(decay_linear(corr(rank(plain(vwap)), rank(volume), 3), 4), 8), "
        "ts_rank(decay_linear(ts_argmax(corr(ts_rank(close, 7), ts_rank(adv60, 4), 3), 12), 14), 13))"
    ),
    "alpha097": (
        "-(rank(decay_linear(delta(group_demean(plain(low * 0.721001 + vwap * (1 - 0.721001)), industry), 3), 20))"
        " - ts_rank(decay_linear(ts_rank(corr(ts_rank(low, 7), ts_rank(adv60, 17), 4), 18), 15), 6))"
    ),
    "alpha098": (
        "rank(decay_linear(corr(vwap, sum(adv5, 26), 4), 7)) - "
        "rank(decay_linear(ts_rank(ts_argmin(corr(rank(plain(open)), rank(adv15), 20), 8), 6), 8))"
    ),
    "alpha099": "-(rank(corr(sum((high + low) / 2, 19), sum(adv60, 19), 8)) < rank(corr(low, volume, 6)))",
    "alpha100": (
        "-((1.5 * scale(group_demean(group_demean(rank((close - low - (high - close)) / (high - low) * volume), "
        "subindustry), subindustry)) - scale(group_demean(corr(close, rank(adv20), 5) - rank(ts_argmin(close, "
        "30)), subindustry))) * (volume / adv20))"
    ),
    "alpha101": "(close - open) / (high - low + 0.001)",
}
