"""`submit`: put a formula of the user through the gates of a proposal, once, as a counted trial."""

import argparse
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.arguments import Commands, complete
from alpha_pipeline.cli.data import (
    bars_of,
    default_run_date,
    lake_has,
    market_name,
    market_names,
    market_of,
    parse_factor,
    priced_days,
    require_writable,
    stored,
)
from alpha_pipeline.cli.language import add_expression
from alpha_pipeline.cli.running import DEFINITIONS, add_run_date, check_factor_file, require_newest, stream_progress
from alpha_pipeline.cli.terminal import echo, print_json, print_pairs
from alpha_pipeline.errors import AlphaError, ExpressionError

if TYPE_CHECKING:  # imports delay every command
    import pandas as pd

    from alpha_pipeline.expressions import Node
    from alpha_pipeline.market.markets import Market

FIELDS = "market, run_date, tried_before, seconds, trial {a row of factor_definitions}"


def add_commands(commands: Commands) -> None:
    """`submit`."""
    command = commands.add(
        "submit", _submit, "try a formula of your own once, by the gates of every proposal; a refusal has its reason",
        ("'-ts_zscore(close, 5d) * cs_rank(volume)' --name calm_reversal --rationale 'Moves without news come back.'",
         "alpha158.CORD20 --market equities --json"),
        FIELDS,
    )  # fmt: skip
    add_expression(command)
    command.add_argument("--name", default="", help="for factor('name') in later formulas (default: the formula)")
    command.add_argument("--rationale", default="", help="why it should work; stored with the trial")
    market = command.add_argument(
        "--market", type=market_name, help="market to try it in (default: the first of the project)"
    )
    complete(market, "markets")
    add_run_date(command, "the last one in the trial ledger, else the latest completed day")


def _submit(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.materialize import RunRequest, run_mining
    from alpha_pipeline.expressions import fields_used, identity
    from alpha_pipeline.factors.submitted_factors import SubmittedFactor
    from alpha_pipeline.market.run_dates import first_day, require_run_date

    market = market_of(options.market or market_names()[0])
    last = max(stored().days(f"{market.name}/{DEFINITIONS}"), default="")
    run_date = require_run_date(options.run_date or last or default_run_date())
    require_newest(run_date, [market.name])
    text, node = _read(options, market, run_date)
    if not fields_used(node):
        raise ExpressionError("the expression uses no field, so it is a constant", text, kind="type")
    factor = SubmittedFactor(text, options.name, options.rationale, options.dialect, market.name)
    earlier = _trial(market, identity(node))
    if earlier is not None:
        return _report(options, market, earlier, 0.0, tried_before=True)
    require_writable()
    check_factor_file()
    keys = ("expression", "name", "rationale", "dialect")
    config = {"rounds": 0, "candidates": [], "submissions": [{key: getattr(factor, key) for key in keys}]}
    with stream_progress(f"trial of {text[:60]}", options.json) as log:
        seconds = run_mining(RunRequest(run_date, first_day(), priced_days()), [market.name], config, log)
    trial = _trial(market, identity(node))
    if trial is None:
        raise AlphaError(f"the formula was not tried on {run_date}; the log above says why")
    return _report(options, market, trial, seconds, tried_before=False)


def _read(options: argparse.Namespace, market: "Market", run_date: str) -> "tuple[str, Node]":
    """The formula as written and as a tree; without stored bars any name may be a field of the market."""
    import sys

    text = sys.stdin.read() if options.expression.strip() == "-" else options.expression.strip()
    is_readable = lake_has(market.name, run_date) or market.source == "sample"
    fields = list(bars_of(market.name, run_date).panel.fields) if is_readable else None
    return text, parse_factor(text, options.dialect, fields, market.clock, market.name, run_date)


def _trial(market: "Market", digest: str) -> "pd.Series | None":
    """The first trial of a factor; None if there is none."""
    from alpha_pipeline.tables import TRIALS

    ledger = TRIALS.complete(stored().read(f"{market.name}/{DEFINITIONS}", allow_missing=True))
    rows = ledger[ledger["identity"] == digest].sort_values(["run_date", "trial"])
    return None if rows.empty else rows.iloc[0]


def _report(
    options: argparse.Namespace, market: "Market", trial: "pd.Series", seconds: float, tried_before: bool
) -> int:
    run_date, is_accepted = str(trial["run_date"].date()), trial["verdict"] == "accepted"
    if options.json:
        document = {"market": market.name, "run_date": run_date, "tried_before": tried_before, "seconds": seconds}
        print_json({**document, "trial": trial.to_dict()})
        return 0
    verdict = "admitted to the library" if is_accepted else "refused"
    if tried_before:
        echo(f"already tried on {run_date} by {trial['proposer']}, and counted then: {verdict}\n")
    else:
        echo(f"\ntried on {run_date}, trial {trial['trial']} of {market.name}: {verdict}\n")
    lines = {
        "factor": trial["factor_id"],
        "formula": trial["canonical"],
        "stage": f"{trial['stage']}, the last one passed",
        "reason": trial["reason"],
        "details": trial["feedback"],
        **_measures(trial),
    }
    print_pairs({name: str(text) for name, text in lines.items() if str(text)})
    if is_accepted and not tried_before:
        echo(f'\nFrom the next run date on it has values. In formulas: factor("{trial["factor_id"]}")')
    return 0


def _measures(trial: "pd.Series") -> dict[str, Any]:
    """Lines of measures; none for a factor that was refused before it was measured."""
    if trial["train_t_stat"] != trial["train_t_stat"]:
        return {}

    def part(name: str) -> str:
        return (
            f"rank IC {trial[f'{name}_rank_ic']:+.4f} (t {trial[f'{name}_t_stat']:+.1f}, "
            f"q {trial[f'{name}_q_value']:.3g}), net Sharpe {trial[f'{name}_sharpe']:+.2f}"
        )

    return {
        "train": part("train"),
        "validation": f"{part('valid')}, turnover {trial['valid_turnover']:.2f} a day",
        "both": f"probabilistic Sharpe {trial['probabilistic_sharpe']:.2f}, "
        f"deflated Sharpe {trial['deflated_sharpe']:.2f}, "
        f"largest correlation with the library {trial['max_correlation']:.2f}",
    }
