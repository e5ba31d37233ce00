"""
The tear sheet of a factor as a page: the picture, the tables behind it, and where the factor comes from.

Every text of a model is inert on it; nothing on the page loads or runs anything.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from alpha_pipeline.backtesting.study import FactorStudy
from alpha_pipeline.market.markets import Market
from alpha_pipeline.reporting import markup
from alpha_pipeline.reporting.formatting import figure, humanize, percent
from alpha_pipeline.text.untrusted import escape_html

MEASURES = (
    ("bars", "bars measured", ",.0f"), ("rank_ic", "rank IC", "+.4f"), ("icir", "IC ratio (mean over spread)", "+.3f"),
    ("t_stat", "t of the rank IC (Newey-West)", "+.2f"), ("ic_positive", "bars with a positive IC", ".1%"),
    ("monotonicity", "monotonicity of quintiles", "+.2f"), ("total_return", "return in all (compounded)", "+.1%"),
    ("annual_return", "return a year (mean, not compounded)", "+.1%"), ("volatility", "volatility", ".1%"),
    ("sharpe", "net Sharpe a year", "+.2f"),
    ("sharpe_gross", "gross Sharpe", "+.2f"), ("sharpe_delayed", "net Sharpe, one bar later", "+.2f"),
    ("sortino", "Sortino", "+.2f"), ("calmar", "Calmar", "+.2f"), ("max_drawdown", "deepest drawdown", ".1%"),
    ("drawdown_bars", "longest drawdown, bars", ",.0f"), ("win_rate", "bars won", ".1%"),
    ("trade_win_rate", "positions won", ".1%"), ("profit_factor", "profit factor", ".2f"),
    ("turnover", "turnover a day", ".2f"), ("break_even_bps", "break-even cost, bps", ".1f"),
    ("capacity", "capacity, quote currency", ",.0f"), ("beta", "beta to the market", "+.2f"),
    ("probabilistic_sharpe", "probabilistic Sharpe", ".3f"), ("deflated_sharpe", "deflated Sharpe", ".3f"),
    ("bars_after_cutoff", "bars after the model's cutoff", ",.0f"),
    ("sharpe_after_cutoff", "net Sharpe after the cutoff", "+.2f"), ("spa_p_value", "SPA p-value of the library", ".3f"),
    ("pbo", "overfitting (PBO) of the library", ".2f"),
)  # fmt: skip

TILES = (
    ("sharpe", "net Sharpe", "+.2f"), ("rank_ic", "rank IC", "+.3f"), ("t_stat", "t of the rank IC", "+.1f"),
    ("total_return", "return in all", "+.1%"), ("max_drawdown", "deepest drawdown", ".1%"),
    ("turnover", "turnover a day", ".2f"),
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """
    All that a tear sheet says of a factor.

    Args:
        name: display name, untrusted text.
        factor_id: in the library.
        expression: canonical DSL.
        market: where it is traded.
        run date: as of when.
        segment: which bars were measured, in words.
        study: the series.
        measures: columns of `tables.METRICS`.
        correlations: with the other factors active, by factor_id; mean rank correlation of their values.
        funnel: stages in order, and how many of all trials so far reached each.
        stage: where this factor stands; `reference` for one that was shipped, not proposed.
        provenance: label and untrusted text: who wrote it, when, from what, in which words.
        notes: what a reader must know before the numbers.
        undefined: why measures have no value, by their name.
    """

    name: str
    factor_id: str
    expression: str
    market: Market
    run_date: pd.Timestamp
    segment: str
    study: FactorStudy
    measures: Mapping[str, float]
    correlations: Mapping[str, float]
    funnel: Sequence[tuple[str, int]]
    stage: str
    provenance: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()
    undefined: Mapping[str, str] = field(default_factory=dict)


def tear_sheet_png(sheet: Sheet, narrow: bool = False) -> bytes:
    """The picture, 1590 x 2190 pixels, or one column of 780 for phones; the same sheet gives the same bytes."""
    from alpha_pipeline.reporting.tear_sheet_figure import draw_png  # a slow import that only drawing needs

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
    alt = f"Tear sheet of {sheet.name}: equity, drawdown, rank IC, quantiles, turnover, parts, protocol, correlation"
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
            "After costs unless said otherwise. A dash has no value; why, stands below.",
        ),
        markup.section("parts", "Parts", [_parts(sheet)], "The same factor on parts of the bars and of the symbols."),
        markup.section("protocol", "Protocol", [_protocol(sheet)], "One switch turned at a time."),
        markup.section("origin", "Where it comes from", [_origin(sheet)]),
    ]
    return markup.page(f"Tear sheet: {sheet.name}", body)


def _measures(sheet: Sheet) -> str:
    rows = [(label, _shown(float(sheet.measures.get(key, np.nan)), spec)) for key, label, spec in MEASURES]
    half, titles = (len(rows) + 1) // 2, [("measure", "name"), ("value", "n")]
    labels = {key: label for key, label, _ in MEASURES}
    silent = [f"{labels[key]}: {why}." for key, why in sheet.undefined.items() if key in labels]
    tables = markup.columns([markup.table(titles, rows[:half]), markup.table(titles, rows[half:])])
    return tables + markup.bullets(silent)


def _shown(value: float, spec: str) -> str:
    return percent(value, spec.replace("%", "f")) if spec.endswith("%") else figure(value, spec)


def _parts(sheet: Sheet) -> str:
    titles = [("kind", "w"), ("part", "name"), ("bars", "n"), ("rank IC", "n"), ("t", "n"), ("return a year", "n"),
              ("net Sharpe", "n"), ("drawdown", "n")]  # fmt: skip
    rows = [
        (row["kind"], row["subsample"], figure(row["bars"], ",.0f"), figure(row["rank_ic"], "+.3f"),
         figure(row["t_stat"], "+.1f"), percent(row["annual_return"], "+.1f"), figure(row["sharpe"], "+.2f"),
         percent(row["max_drawdown"], ".1f"))
        for row in sheet.study.slices.to_dict("records")
    ]  # fmt: skip
    return markup.table(titles, rows)


def _protocol(sheet: Sheet) -> str:
    rows = [
        (row["switch"], row["setting"], figure(row["sharpe"], "+.2f"), figure(row["difference"], "+.2f"))
        for row in sheet.study.protocol.to_dict("records")
    ]
    return markup.table([("switch", "w"), ("setting", "w"), ("net Sharpe", "n"), ("difference", "n")], rows)


def _origin(sheet: Sheet) -> str:
    short = [(label, text) for label, text in sheet.provenance if len(text) <= 200 and "\n" not in text]
    long = [(label, text) for label, text in sheet.provenance if (label, text) not in short]
    stages = ", ".join(f"{humanize(name)} {count:,}" for name, count in sheet.funnel)
    rows = [*short, ("all trials so far", stages), ("its last stage", humanize(sheet.stage))]
    folded = [markup.folded(label, f"<pre style='white-space:pre-wrap'>{_lines(text)}</pre>") for label, text in long]
    return markup.table([("", "name"), ("", "long")], rows) + "".join(folded)


def _lines(text: str) -> str:
    return "\n".join(escape_html(line) for line in text.splitlines())
