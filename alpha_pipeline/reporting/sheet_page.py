"""
The tear sheet of a factor as an HTML page: figure, tables and provenance.

Untrusted text is escaped; the page loads and runs nothing.
"""

from base64 import b64encode

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.bars import Bars
from alpha_pipeline.backtesting.measures import EvaluationBars, measure_factor
from alpha_pipeline.backtesting.study import study_factor
from alpha_pipeline.market.markets import EQUITIES, Market
from alpha_pipeline.market.panel import Panel
from alpha_pipeline.reporting import markup
from alpha_pipeline.reporting.formatting import figure, humanize, percent
from alpha_pipeline.reporting.sheet import Sheet
from alpha_pipeline.text.untrusted import escape_html
from alpha_pipeline.typing import Array

MEASURES = (
    ("bars", "bars measured", ",.0f"), ("rank_ic", "rank IC", "+.4f"), ("icir", "IC information ratio", "+.3f"),
    ("t_stat", "t-statistic of the rank IC (Newey-West)", "+.2f"), ("ic_positive", "bars with a positive IC", ".1%"),
    ("monotonicity", "monotonicity of quintiles", "+.2f"), ("total_return", "total return (compounded)", "+.1%"),
    ("annual_return", "annual return (arithmetic)", "+.1%"), ("volatility", "volatility", ".1%"),
    ("sharpe", "net Sharpe (annualized)", "+.2f"),
    ("sharpe_gross", "gross Sharpe", "+.2f"), ("sharpe_delayed", "net Sharpe, delayed by one bar", "+.2f"),
    ("sortino", "Sortino", "+.2f"), ("calmar", "Calmar", "+.2f"), ("max_drawdown", "max drawdown", ".1%"),
    ("drawdown_bars", "longest drawdown, bars", ",.0f"), ("win_rate", "win rate of bars", ".1%"),
    ("trade_win_rate", "win rate of positions", ".1%"), ("profit_factor", "profit factor", ".2f"),
    ("turnover", "turnover per day", ".2f"), ("break_even_bps", "break-even cost, bps", ".1f"),
    ("capacity", "capacity, quote currency", ",.0f"), ("beta", "beta to the market", "+.2f"),
    ("probabilistic_sharpe", "probabilistic Sharpe", ".3f"), ("deflated_sharpe", "deflated Sharpe", ".3f"),
    ("bars_after_cutoff", "bars after the model's training cutoff", ",.0f"),
    ("sharpe_after_cutoff", "net Sharpe after the training cutoff", "+.2f"),
    ("spa_p_value", "SPA p-value of the library", ".3f"),
    ("pbo", "probability of backtest overfitting (PBO), library", ".2f"),
)  # fmt: skip

TILES = (
    ("sharpe", "net Sharpe", "+.2f"), ("rank_ic", "rank IC", "+.3f"), ("t_stat", "t of the rank IC", "+.1f"),
    ("total_return", "total return", "+.1%"), ("max_drawdown", "max drawdown", ".1%"),
    ("turnover", "turnover per day", ".2f"),
)  # fmt: skip


def tear_sheet(
    values: Array, panel: Panel, market: Market = EQUITIES, name: str = "factor", expression: str = ""
) -> str:
    """
    One self-contained HTML page of everything measured about a factor.

    Args:
        values: (bars, symbols), any unit; high is expected to earn.
        panel: prices on the same grid, at least `close`.
        market: calendar, horizon and costs.
        name: title of the page.
        expression: how the values were made, for the reader.

    Returns:
        HTML without scripts or addresses; undefined measures are shown as a dash.

    Raises:
        DataError: the shapes differ.
    """
    bars = Bars.of(panel, market)
    measures = measure_factor(values, EvaluationBars.of(bars)).to_row()
    start, end = (pd.Timestamp(moment, tz="UTC") for moment in panel.timestamps[[0, -1]])
    sheet = Sheet(
        name=name,
        factor_id=name,
        expression=expression,
        market=market,
        run_date=end.normalize(),
        segment=f"all bars given, {start:%Y-%m-%d} to {end:%Y-%m-%d}",
        study=study_factor(values, bars),
        measures=measures,
        correlations={},
        funnel=(),
        stage="",
        provenance=(),
    )
    return tear_sheet_page(sheet)


def tear_sheet_png(sheet: Sheet, narrow: bool = False) -> bytes:
    """The picture, 1590 x 2190 pixels, or one column of 780 for phones; the same sheet gives the same bytes."""
    from alpha_pipeline.reporting.sheet_figure import draw_png  # a slow import that only drawing needs

    return draw_png(sheet, narrow)


def tear_sheet_page(sheet: Sheet, picture: bytes | None = None, narrow: bytes | None = None) -> str:
    """
    One self-contained page.

    Args:
        sheet: what to say.
        picture: `tear_sheet_png(sheet)` where the caller has it already.
        narrow: `tear_sheet_png(sheet, narrow=True)`, the same.
    """
    images = {
        "wide": picture or tear_sheet_png(sheet),
        "narrow": narrow or tear_sheet_png(sheet, narrow=True),
    }
    alt = f"Tear sheet of {sheet.name}: equity, drawdown, rank IC, quantiles, turnover, subsamples, assumptions"
    body = [
        f"<h1><bdi>{escape_html(sheet.name)}</bdi></h1>",
        markup.paragraph(
            f"{sheet.market.name}, run date of {sheet.run_date:%Y-%m-%d}, measured on {sheet.segment}", "soft"
        ),
        f"<p><code><bdi>{escape_html(sheet.expression)}</bdi></code></p>",
        *(f'<div class="notice">{escape_html(note)}</div>' for note in sheet.notes),
        markup.tiles((_shown(float(sheet.measures.get(key, np.nan)), spec), label) for key, label, spec in TILES),
        *(
            f'<figure class="{kind}"><img alt="{escape_html(alt)}" style="display:block;width:100%;height:auto" '
            f'src="data:image/png;base64,{b64encode(image).decode()}"></figure>'
            for kind, image in images.items()
        ),
        markup.section(
            "measures",
            "Measures",
            [_measures(sheet)],
            "Net of costs unless stated otherwise. A dash is undefined; reasons are below.",
        ),
        markup.section("subsamples", "Subsample breakdown", [_subsamples(sheet)], "By subsamples of bars and symbols."),
        markup.section(
            "assumptions", "Assumption sensitivity", [_assumptions(sheet)], "One trading assumption changed at a time."
        ),
        markup.section("provenance", "Provenance", [_provenance(sheet)]),
    ]
    return markup.page(f"Tear sheet: {sheet.name}", body)


def _measures(sheet: Sheet) -> str:
    rows = [(label, _shown(float(sheet.measures.get(key, np.nan)), spec)) for key, label, spec in MEASURES]
    half, titles = (len(rows) + 1) // 2, [("measure", "name"), ("value", "n")]
    labels = {key: label for key, label, _ in MEASURES}
    undefined = [f"{labels[key]}: {why}." for key, why in sheet.undefined.items() if key in labels]
    tables = markup.columns([markup.table(titles, rows[:half]), markup.table(titles, rows[half:])])
    return tables + markup.bullets(undefined)


def _shown(value: float, spec: str) -> str:
    return percent(value, spec.replace("%", "f")) if spec.endswith("%") else figure(value, spec)


def _subsamples(sheet: Sheet) -> str:
    titles = [("kind", "w"), ("subsample", "name"), ("bars", "n"), ("rank IC", "n"), ("t", "n"), ("annual return", "n"),
              ("net Sharpe", "n"), ("drawdown", "n")]  # fmt: skip
    rows = [
        (row["kind"], row["subsample"], figure(row["bars"], ",.0f"), figure(row["rank_ic"], "+.3f"),
         figure(row["t_stat"], "+.1f"), percent(row["annual_return"], "+.1f"), figure(row["sharpe"], "+.2f"),
         percent(row["max_drawdown"], ".1f"))
        for row in sheet.study.breakdown.to_dict("records")
    ]  # fmt: skip
    return markup.table(titles, rows)


def _assumptions(sheet: Sheet) -> str:
    rows = [
        (row["assumption"], row["setting"], figure(row["sharpe"], "+.2f"), figure(row["difference"], "+.2f"))
        for row in sheet.study.sensitivity.to_dict("records")
    ]
    return markup.table([("assumption", "w"), ("setting", "w"), ("net Sharpe", "n"), ("difference", "n")], rows)


def _provenance(sheet: Sheet) -> str:
    short = [(label, text) for label, text in sheet.provenance if len(text) <= 200 and "\n" not in text]
    long = [(label, text) for label, text in sheet.provenance if (label, text) not in short]
    stages = ", ".join(f"{humanize(name)} {count:,}" for name, count in sheet.funnel)
    rows = [*short, ("all trials so far", stages), ("last stage", humanize(sheet.stage))]
    folded = [markup.folded(label, f"<pre style='white-space:pre-wrap'>{_lines(text)}</pre>") for label, text in long]
    return markup.table([("", "name"), ("", "long")], rows) + "".join(folded)


def _lines(text: str) -> str:
    return "\n".join(escape_html(line) for line in text.splitlines())
