"""`generate`, `optimize` and `mine`: propose factors, improve one, run the mining of a run date."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import (
    bars_of,
    default_run_date,
    lake_root,
    library_factors,
    market_name,
    market_names,
    market_of,
    parse_factor,
    priced_days,
    require_writable,
    stored,
)
from alpha_pipeline.cli.file_project import enter_file_project
from alpha_pipeline.cli.language import add_dialect
from alpha_pipeline.cli.running import add_run_date, check_factor_file, require_newest, stream_progress
from alpha_pipeline.cli.terminal import echo, print_json, progress
from alpha_pipeline.cli.user_files import add_file_options, check_file_options, file_bars
from alpha_pipeline.errors import SettingError
from alpha_pipeline.text.untrusted import printable

if TYPE_CHECKING:  # imports delay every command
    from alpha_pipeline.cli.data import Bars
    from alpha_pipeline.llm.budget import SpendMeter
    from alpha_pipeline.market.markets import Market
    from alpha_pipeline.mining.research import Attempt
    from alpha_pipeline.mining.task import Proposer

ASSET_TYPES = ("crypto", "stock", "forex", "future", "other")
MAX_COUNT = 1_000  # factors of one `generate`
TRAIN_ONLY = (
    "Measured on train only; research commands do not count as trials and never read validation or the holdout."
)
ATTEMPT_FIELDS = """\
name, source, dialect, rationale, risks, expected_performance, canonical, refused, step,
  measures {rank_ic, t_stat, sharpe, turnover}"""
USAGE_FIELDS = "model, requests, tokens, usd, factors [...], each with:\n  "


def add_commands(commands: Commands) -> None:
    """`generate`, `optimize`, `mine`."""
    generation = commands.add(
        "generate", _generate, "have the model propose factors; parse, check and measure them on train",
        ("--asset-type crypto --factor-type momentum --lookback 20 --count 3",
         "--code --context 'hold for a day, trade rarely'", "--asset-type stock --factor-type mean_reversion --json"),
        USAGE_FIELDS + ATTEMPT_FIELDS,
    )  # fmt: skip
    what = generation.add_argument_group("task")
    _add_bars(generation)
    factor_type = what.add_argument(
        "--factor-type", default="momentum", help="momentum, mean_reversion, ... (default %(default)s)"
    )
    complete(factor_type, "factor_types")
    what.add_argument("--lookback", type=int, default=20, help="typical window in bars (default %(default)s)")
    what.add_argument("--context", default="", help="additional instructions in your own words")
    what.add_argument(
        "--code", action="store_true", help="request pandas code (translated, never executed) instead of a formula"
    )
    what.add_argument("--fields", default="", help="comma-separated fields of your own data; then nothing is measured")
    what.add_argument("--count", type=int, default=1, help="number of factors (default %(default)s)")
    _add_model(generation)

    optimization = commands.add(
        "optimize", _optimize, "improve a factor step by step; the model sees the train measures of each step",
        ("'ts_return(close, 5d)'", "'-zscore(close, 20)' --asset-type stock --steps 1 --json"),
        USAGE_FIELDS + ATTEMPT_FIELDS,
    )  # fmt: skip
    complete(optimization.add_argument("expression", help="the factor to start from"), "operators")
    add_dialect(optimization)
    _add_bars(optimization)
    optimization.add_argument(
        "--steps", type=int, default=3, help="number of improvements to try (default %(default)s)"
    )
    _add_model(optimization)

    session = commands.add(
        "mine", _mine, "run only the mining of one run date: trials to the ledger, admissions to the library",
        ("--market crypto --rounds 3 --factor-types momentum,volume",
         "--candidates alpha158 --market equities",
         "--proposer random_grammar --rounds 1 --proposals 2 --json"),
        "run_date, seconds, trials [rows of factor_definitions with their market]",
    )  # fmt: skip
    add_run_date(session)
    data = session.add_argument_group("data")
    complete(data.add_argument("--market", type=market_name, help="market to mine (default: all)"), "markets")
    add_file_options(data)
    size = session.add_argument_group("budget")
    size.add_argument("--rounds", type=int, help="number of rounds; each sees the results of the earlier ones")
    size.add_argument("--proposals", type=int, help="factors per round")
    size.add_argument("--batch", type=int, help="factors per request, if the model supports it")
    prompts = session.add_argument_group("prompts")
    prompts.add_argument("--prompt-modes", default="", help="used in turn: generate,code,optimize,multimodal")
    complete(
        prompts.add_argument("--factor-types", default="", help="only these, such as momentum,volume"), "factor_types"
    )
    prompts.add_argument("--context", default="", help="additional instructions for the model")
    prompts.add_argument("--seed", type=int, help="random seed")
    prompts.add_argument("--proposer", choices=["model", "random_grammar", "mutation"], help="source of proposals")
    prompts.add_argument(
        "--candidates", default="",
        help="try published sets once, alpha101,alpha158; the proposer is asked only with --rounds",
    )  # fmt: skip
    prompts.add_argument("--fresh", action="store_true", help="ignore stored answers")
    prompts.add_argument("--retry", action="store_true", help="repeat requests that were left unanswered")


def _add_bars(command: argparse.ArgumentParser) -> None:
    """What a research command measures on: a market of the project, or a file."""
    data = command.add_argument_group("data")
    data.add_argument(
        "--asset-type", choices=ASSET_TYPES, help="the first market of this type (default: the first of the project)"
    )
    complete(data.add_argument("--market", type=market_name, help="the market, instead of a type"), "markets")
    add_file_options(data)


def _bars(options: argparse.Namespace) -> "tuple[Market, Bars | None]":
    """The market of a research command and its bars; None for an asset type that the project has no market of."""
    if options.asset_type and options.market:
        raise SettingError("--asset-type and --market were both given; expected one of them")
    names = market_names()
    fits = [name for name in names if market_of(name).asset_type == options.asset_type] if options.asset_type else names
    if options.data:
        options.market = options.market or (fits[0] if options.asset_type and fits else None)
        check_file_options(options, {})
        bars = file_bars(options, "")
        return bars.market, bars
    check_file_options(options, {})
    if options.market or fits:
        bars = bars_of(options.market or fits[0])
        return bars.market, bars
    return _typical_market(options.asset_type), None


def _typical_market(asset_type: str) -> "Market":
    """A market of an asset type with its default calendar, bar and costs."""
    from alpha_pipeline.market.markets import market_of_settings
    from alpha_pipeline.settings import MarketSettings
    from alpha_pipeline.settings.market_section import complete_market

    values = {"calendar": "24/7", "bar": "1D", **complete_market(asset_type, {"asset_type": asset_type}, {})}
    return market_of_settings(asset_type, MarketSettings(**values))


def _add_model(command: argparse.ArgumentParser) -> None:
    model = command.add_argument_group("model")
    model.add_argument("--seed", type=int, default=0, help="random seed of the model (default %(default)s)")
    model.add_argument("--fresh", action="store_true", help="ignore stored answers")


def _generate(options: argparse.Namespace) -> int:
    from alpha_pipeline.mining.factor_types import FACTOR_TYPES
    from alpha_pipeline.mining.research import propose_and_measure, task_for, train_bars
    from alpha_pipeline.mining.task import PromptMode

    if options.count < 1 or options.lookback < 1:
        raise SettingError(f"--count and --lookback must be at least 1; got {options.count} and {options.lookback}")
    if options.count > MAX_COUNT:
        raise SettingError(f"--count is {options.count}; expected at most {MAX_COUNT}; use `mine` for more")
    market, bars = _bars(options)
    named = tuple(names(options.fields))
    if invalid := [name for name in named if not name.isidentifier()]:
        raise SettingError(f"--fields must be names such as funding_rate; got {', '.join(map(repr, invalid))}")
    train = train_bars(bars.panel, market) if bars and not named else None
    fields = named or (tuple(train.fields) if train else ("open", "high", "low", "close"))
    task = task_for(market, fields, options.factor_type, options.lookback, options.seed)
    beyond = FACTOR_TYPES[task.factor_type].beyond_prices
    prompt_mode: PromptMode = "code" if options.code else "multimodal" if beyond else "generate"
    factors = library_factors(market.name)
    task = replace(task, prompt_mode=prompt_mode, context=_text(options.context), factors=factors)
    attempts: list[Attempt] = []
    with (
        _writer(options) as (proposer, meter),
        progress(f"requesting factors from {proposer.model}", options.count) as step,
    ):
        while len(attempts) < options.count:
            taken = tuple(f"taken, write something else: {a.canonical}" for a in attempts if a.canonical)
            seed = options.seed + 100 * len(attempts)
            subtask = replace(task, count=options.count - len(attempts), seed=seed, notes=taken)
            attempts += propose_and_measure(proposer, subtask, train)
            step(f"{proposer.model}: {len(attempts)} of {options.count}")
    if options.json:
        print_json(_usage(proposer, meter) | {"factors": [_record(attempt) for attempt in attempts]})
    else:
        _show(attempts, f"{task.factor_type}, window {task.window}: {_usage_text(proposer, meter)}")
        if bars is None:
            echo(f"not measured: the project has no market of type {options.asset_type}; give its bars with --data")
    return 0 if any(not attempt.refused for attempt in attempts) else 1


def _optimize(options: argparse.Namespace) -> int:
    from alpha_pipeline.expressions import lookback
    from alpha_pipeline.mining.research import improve, task_for, train_bars

    if options.steps < 0:
        raise SettingError(f"--steps must be at least 0; got {options.steps}")
    market, bars = _bars(options)
    if bars is None:
        raise SettingError(f"the project has no market of type {options.asset_type}; give its bars with --data")
    train = train_bars(bars.panel, market)
    node = parse_factor(options.expression, options.dialect, list(train.fields), market.clock, market.name)
    task = task_for(market, tuple(train.fields), "momentum", max(5, lookback(node)), options.seed)
    task = replace(task, factors=library_factors(market.name))
    with (
        _writer(options) as (proposer, meter),
        progress(f"requesting factors from {proposer.model}", options.steps + 1) as tick,
    ):
        attempts = []
        for attempt in improve(proposer, task, node, train, options.steps):
            attempts.append(attempt)
            tick(f"{proposer.model}: step {attempt.step}")
            if not options.json:
                echo(_line(attempt))
    if options.json:
        print_json(_usage(proposer, meter) | {"factors": [_record(attempt) for attempt in attempts]})
        return 0
    best = max(attempts, key=lambda attempt: attempt.measures.sharpe if attempt.measures else float("-inf"))
    echo(f"\nbest on train: step {best.step}, {best.canonical}\n{_usage_text(proposer, meter)}\n{TRAIN_ONLY}")
    return 0


def _mine(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.materialize import RunRequest, run_mining
    from alpha_pipeline.market.run_dates import first_day, require_run_date
    from alpha_pipeline.mining.loop import MiningSettings
    from alpha_pipeline.reporting.text_tables import funnel_text

    if options.data:
        options.market = enter_file_project(options)
    run_date = require_run_date(options.run_date or default_run_date())
    markets = [options.market] if options.market else list(market_names())
    candidates = names(options.candidates)
    values = {
        "candidates": candidates or None,
        "rounds": 0 if candidates and options.rounds is None else options.rounds,
        "proposals_per_round": options.proposals, "batch": options.batch,
        "context": _text(options.context) or None, "seed": options.seed, "proposer": options.proposer,
        "fresh": options.fresh or None, "retry": options.retry or None,
        "prompt_modes": options.prompt_modes.split(",") if options.prompt_modes else None,
        "factor_types": options.factor_types.split(",") if options.factor_types else None,
    }  # fmt: skip
    config = {name: value for name, value in values.items() if value is not None}
    shared = ("candidates", "rounds", "proposals_per_round", "batch", "prompt_modes", "factor_types")
    mining: dict[str, Any] = {name: config[name] for name in shared if name in config}
    MiningSettings(**mining)  # invalid settings are refused before any process starts
    check_factor_file()
    if candidates:
        require_newest(run_date, markets)
    require_writable()
    with stream_progress(f"mining of {run_date}", options.json) as log:
        seconds = run_mining(RunRequest(run_date, first_day(), priced_days()), markets, config, log)
    trials = {name: stored().read(f"{name}/factor_definitions", run_date, run_date) for name in markets}
    if options.json:
        rows = [row for market, table in trials.items() for row in table.assign(market=market).to_dict("records")]
        print_json({"run_date": run_date, "seconds": seconds, "trials": rows})
        return 0
    path = f"{lake_root()}/<market>/factor_definitions/day={run_date}/part-0.parquet"
    echo("\n" + funnel_text(trials))
    echo(f"\nLedger: {path}\nDone in {seconds:.0f} s.")
    return 0


@contextmanager
def _writer(options: argparse.Namespace) -> "Iterator[tuple[Proposer, SpendMeter]]":
    """The configured model within the budget of one run date; answers are stored in the lake."""
    from alpha_pipeline.llm.budget import PRICES, SpendMeter, Spent, read_prices
    from alpha_pipeline.resources.llm.resource import LanguageModel
    from alpha_pipeline.settings import load_settings

    model = LanguageModel.of(load_settings().model)
    prices = read_prices(Path(model.prices) if model.prices else PRICES)
    meter = SpendMeter(load_settings().mining.budget, prices.get(model.name()), Spent())
    with model.open(stored(), fresh=options.fresh, retry=True) as chat:
        yield model.writer(chat).within(meter), meter


def _usage(proposer: "Proposer", meter: "SpendMeter") -> dict[str, object]:
    spent = meter.run_date
    return {"model": proposer.model, "requests": spent.calls, "tokens": spent.tokens, "usd": spent.usd}


def _usage_text(proposer: "Proposer", meter: "SpendMeter") -> str:
    from alpha_pipeline.reporting.formatting import plural

    spent = meter.run_date
    cost = f", USD {spent.usd:.4f}" if meter.price and spent.usd else ""
    return f"{proposer.model}, {plural(spent.calls, 'request')}, {spent.tokens:,} tokens{cost}"


def _record(attempt: "Attempt") -> dict[str, object]:
    record = {
        "canonical": attempt.canonical,
        "refused": attempt.refused,
        "step": attempt.step,
        "measures": asdict(attempt.measures) if attempt.measures else None,
    }
    return {**asdict(attempt.proposal), **record}


def _show(attempts: "list[Attempt]", head: str) -> None:
    echo(head)
    for number, attempt in enumerate(attempts, 1):
        echo(f"\n{number}. {_card(attempt)}")
    echo("\n" + TRAIN_ONLY if any(attempt.measures for attempt in attempts) else "")


def _card(attempt: "Attempt") -> str:
    from alpha_pipeline.text.untrusted import clean_line

    proposal = attempt.proposal
    lines = [clean_line(proposal.name)]
    if proposal.dialect == "pandas":
        lines += [
            "   code",
            *("     " + printable(line) for line in proposal.source.splitlines()),
        ]
    fields = {
        "expression": attempt.canonical or proposal.source, "rationale": proposal.rationale, "risks": proposal.risks,
        "expected": proposal.expected_performance
        and f"{proposal.expected_performance} (claimed by the model, not measured)",
        "measured": attempt.summary if attempt.measures else "",
    }  # fmt: skip
    lines += [f"   {name:<11} {clean_line(text)}" for name, text in fields.items() if text]
    lines += [f"   refused     {attempt.refused.splitlines()[0]}"] if attempt.refused else []
    lines += ["   " + line for line in attempt.refused.splitlines()[1:]]
    return "\n".join(lines)


def _line(attempt: "Attempt") -> str:
    result = attempt.summary if not attempt.refused else "refused: " + attempt.refused.splitlines()[0]
    return f"step {attempt.step}  {attempt.canonical or attempt.proposal.source}\n        {result}"


def _text(argument: str) -> str:
    """A shell argument as text; undecodable bytes become question marks."""
    return argument.encode("utf-8", "replace").decode()
