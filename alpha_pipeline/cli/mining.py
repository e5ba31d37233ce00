"""Commands of mining: ask the model for factors, have one improved, mine a run date."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_pipeline.cli.arguments import Commands, complete, names
from alpha_pipeline.cli.data import MARKET_NAMES, bars_of, lake_root, priced_days, require_writable, stored
from alpha_pipeline.cli.language import add_dialect
from alpha_pipeline.cli.running import add_run_date, stream_progress
from alpha_pipeline.cli.terminal import echo, print_json, progress
from alpha_pipeline.errors import SettingError
from alpha_pipeline.text.untrusted import printable

if TYPE_CHECKING:  # a shell waits for every import
    from alpha_pipeline.llm.budget import SpendMeter
    from alpha_pipeline.market.markets import Market
    from alpha_pipeline.mining.research import Attempt
    from alpha_pipeline.mining.task import Proposer

ASSET_TYPES = ("crypto", "stock", "forex")
MOST = 1_000  # factors of one desk command
HONEST = "Measured on train alone: tries at this desk are counted nowhere, so the bars that decide stay unseen."
FIND_FIELDS = """\
name, source, dialect, rationale, risks, expected_performance, canonical, refused, step,
  measures {rank_ic, t_stat, sharpe, turnover}"""
BILL_FIELDS = "model, questions, tokens, usd, factors [...], each with:\n  "


def add_commands(commands: Commands) -> None:
    """`generate`, `optimize`, `mine`."""
    ask = commands.add(
        "generate", _generate, "ask the model for factors; read, check and measure them on train",
        ("--asset-type crypto --factor-type momentum --lookback 20 --count 3",
         "--code --context 'hold for a day, trade rarely'", "--asset-type stock --factor-type mean_reversion --json"),
        BILL_FIELDS + FIND_FIELDS,
    )  # fmt: skip
    what = ask.add_argument_group("what is wanted")
    what.add_argument("--asset-type", choices=ASSET_TYPES, default="crypto", help="default %(default)s")
    factor_type = what.add_argument(
        "--factor-type", default="momentum", help="family of the idea: momentum, mean_reversion, ..."
    )
    complete(factor_type, "factor_types")
    what.add_argument("--lookback", type=int, default=20, help="bars to build around (default %(default)s)")
    what.add_argument("--context", default="", help="what it should consider besides, in your words")
    what.add_argument("--code", action="store_true", help="ask for pandas code (translated, never run), not a formula")
    what.add_argument("--fields", default="", help="names it may use, for data you have; then nothing is measured")
    what.add_argument("--count", type=int, default=1, help="factors wanted (default %(default)s)")
    _add_asking(ask)

    better = commands.add(
        "optimize", _optimize, "improve a factor step by step, each told what the one before earned on train",
        ("'ts_return(close, 5d)'", "'-zscore(close, 20)' --asset-type stock --steps 1 --json"),
        BILL_FIELDS + FIND_FIELDS,
    )  # fmt: skip
    complete(better.add_argument("expression", help="the factor to start from"), "operators")
    add_dialect(better)
    better.add_argument("--asset-type", choices=ASSET_TYPES[:2], default="crypto", help="default %(default)s")
    better.add_argument("--steps", type=int, default=3, help="improvements to try (default %(default)s)")
    _add_asking(better)

    mine = commands.add(
        "mine", _mine, "one run date of mining alone: trials into the ledger, admissions into the library",
        ("--market crypto --rounds 3 --factor-types momentum,volume",
         "--proposer random_grammar --rounds 1 --proposals 2 --json"),
        "run date, seconds, trials [rows of factor_definitions with their market]",
    )  # fmt: skip
    add_run_date(mine)
    mine.add_argument("--market", choices=[*MARKET_NAMES, "all"], default="all", help="default %(default)s")
    size = mine.add_argument_group("how much")
    size.add_argument("--rounds", type=int, help="rounds; each is told what the earlier ones earned")
    size.add_argument("--proposals", type=int, help="factors a round")
    size.add_argument("--batch", type=int, help="factors a question, where the model can")
    how = mine.add_argument_group("how it is asked")
    how.add_argument("--prompt-modes", default="", help="how to ask, in turn: generate,code,optimize,multimodal")
    complete(how.add_argument("--factor-types", default="", help="only these, as momentum,volume"), "factor_types")
    how.add_argument("--context", default="", help="what the model should consider besides")
    how.add_argument("--seed", type=int, help="another one gives another run date")
    how.add_argument("--proposer", choices=["model", "random_grammar", "mutation"], help="who proposes")
    how.add_argument("--fresh", action="store_true", help="ask every question anew; stored answers count otherwise")
    how.add_argument("--retry", action="store_true", help="ask again what went unanswered")


def _add_asking(command: argparse.ArgumentParser) -> None:
    asking = command.add_argument_group("the model")
    asking.add_argument("--seed", type=int, default=0, help="another one gives other answers (default %(default)s)")
    asking.add_argument("--fresh", action="store_true", help="ask anew; a stored answer counts otherwise")


def _generate(options: argparse.Namespace) -> int:
    from alpha_pipeline.mining.factor_types import FACTOR_TYPES
    from alpha_pipeline.mining.research import ask, task_for, train_bars
    from alpha_pipeline.mining.task import PromptMode

    if options.count < 1 or options.lookback < 1:
        raise SettingError(f"--count and --lookback must be at least 1; found {options.count} and {options.lookback}")
    if options.count > MOST:
        raise SettingError(f"--count is {options.count}; expected at most {MOST}, `mine` asks for more and counts them")
    market, data = _market(options.asset_type), _NAMES.get(options.asset_type)
    named = tuple(names(options.fields))
    if strange := [name for name in named if not name.isidentifier()]:
        raise SettingError(f"--fields are names such as funding_rate; found {', '.join(map(repr, strange))}")
    train = train_bars(bars_of(data).panel, market) if data and not named else None
    fields = named or (tuple(train.fields) if train else ("open", "high", "low", "close"))
    task = task_for(market, fields, options.factor_type, options.lookback, options.seed)
    beyond = FACTOR_TYPES[task.factor_type].beyond_prices
    prompt_mode: PromptMode = "code" if options.code else "multimodal" if beyond else "generate"
    task = replace(task, prompt_mode=prompt_mode, context=_text(options.context))
    found: list[Attempt] = []
    with _writer(options) as (proposer, meter), progress(f"asking {proposer.model}", options.count) as step:
        while len(found) < options.count:
            taken = tuple(f"taken, write something else: {one.canonical}" for one in found if one.canonical)
            seed = options.seed + 100 * len(found)
            asked = replace(task, count=options.count - len(found), seed=seed, notes=taken)
            found += ask(proposer, asked, train)
            step(f"{proposer.model}: {len(found)} of {options.count}")
    if options.json:
        print_json(_bill(proposer, meter) | {"factors": [_record(one) for one in found]})
    else:
        _show(found, f"{task.factor_type}, window {task.window}: {_billed(proposer, meter)}")
        if data is None:
            echo(f"not measured: no {options.asset_type} prices here")
    return 0 if any(not one.refused for one in found) else 1


def _optimize(options: argparse.Namespace) -> int:
    from alpha_pipeline.expressions import lookback, parse
    from alpha_pipeline.mining.research import improve, task_for, train_bars

    if options.steps < 0:
        raise SettingError(f"--steps must be at least 0; found {options.steps}")
    market = _market(options.asset_type)
    train = train_bars(bars_of(_NAMES[options.asset_type]).panel, market)
    node = parse(options.expression.strip(), options.dialect, fields=list(train.fields), bar=market.bar)
    task = task_for(market, tuple(train.fields), "momentum", max(5, lookback(node)), options.seed)
    with _writer(options) as (proposer, meter), progress(f"asking {proposer.model}", options.steps + 1) as tick:
        found = []
        for one in improve(proposer, task, node, train, options.steps):
            found.append(one)
            tick(f"{proposer.model}: step {one.step}")
            if not options.json:
                echo(_line(one))
    if options.json:
        print_json(_bill(proposer, meter) | {"factors": [_record(one) for one in found]})
        return 0
    best = max(found, key=lambda find: find.measures["sharpe"] if find.measures else float("-inf"))
    echo(f"\nbest on train: step {best.step}, {best.canonical}\n{_billed(proposer, meter)}\n{HONEST}")
    return 0


def _mine(options: argparse.Namespace) -> int:
    from alpha_pipeline.cli.materialize import RunRequest, run_mining
    from alpha_pipeline.market.run_dates import first_day, last_run_date, require_run_date
    from alpha_pipeline.mining.loop import MiningSettings
    from alpha_pipeline.reporting.terminal import funnel_text

    run_date = require_run_date(options.run_date or last_run_date())
    markets = list(MARKET_NAMES) if options.market == "all" else [options.market]
    plain = {
        "rounds": options.rounds, "proposals_per_round": options.proposals, "batch": options.batch,
        "context": _text(options.context) or None, "seed": options.seed, "proposer": options.proposer,
        "fresh": options.fresh or None, "retry": options.retry or None,
        "prompt_modes": options.prompt_modes.split(",") if options.prompt_modes else None,
        "factor_types": options.factor_types.split(",") if options.factor_types else None,
    }  # fmt: skip
    knobs = {name: value for name, value in plain.items() if value is not None}
    same = ("rounds", "proposals_per_round", "batch", "prompt_modes", "factor_types")
    told: dict[str, Any] = {name: knobs[name] for name in same if name in knobs}
    MiningSettings(**told)  # a wrong one is refused here, before any process starts
    require_writable()
    with stream_progress(f"mining the run date of {run_date}", options.json) as tell:
        seconds = run_mining(RunRequest(run_date, first_day(), priced_days()), markets, knobs, tell)
    trials = {name: stored().read(f"{name}/factor_definitions", run_date, run_date) for name in markets}
    if options.json:
        rows = [row for market, table in trials.items() for row in table.assign(market=market).to_dict("records")]
        print_json({"run_date": run_date, "seconds": seconds, "trials": rows})
        return 0
    place = f"{lake_root()}/<market>/factor_definitions/day={run_date}/part-0.parquet"
    echo("\n" + funnel_text(trials))
    echo(f"\nThe ledger of the run date: {place}\nDone in {seconds:.0f} s.")
    return 0


_NAMES = {"crypto": "crypto", "stock": "equities"}


def _market(asset_type: str) -> "Market":
    """The market of an asset type; forex has hours like crypto, and no embedded data."""
    from alpha_pipeline.market.markets import CRYPTO, EQUITIES

    return {"crypto": CRYPTO, "stock": EQUITIES}.get(asset_type) or replace(CRYPTO, name="forex", asset_type="forex")


@contextmanager
def _writer(options: argparse.Namespace) -> "Iterator[tuple[Proposer, SpendMeter]]":
    """The configured model, within one run date's budget; its answers are stored in the lake."""
    from alpha_pipeline.llm.budget import PRICES, Budget, SpendMeter, Spent, read_prices
    from resources.lake.io_manager import ParquetIOManager
    from resources.llm.resource import LanguageModel

    model = LanguageModel.from_environment()
    prices = read_prices(Path(model.prices) if model.prices else PRICES)
    meter = SpendMeter(Budget(), prices.get(model.name()), Spent())
    with model.open(ParquetIOManager.from_environment().lake, fresh=options.fresh, retry=True) as chat:
        yield model.writer(chat).within(meter), meter


def _bill(proposer: "Proposer", meter: "SpendMeter") -> dict[str, object]:
    spent = meter.run_date
    return {"model": proposer.model, "questions": spent.calls, "tokens": spent.tokens, "usd": spent.usd}


def _billed(proposer: "Proposer", meter: "SpendMeter") -> str:
    from alpha_pipeline.reporting.formatting import plural

    spent = meter.run_date
    cost = f", USD {spent.usd:.4f}" if meter.price and spent.usd else ""
    return f"{proposer.model}, {plural(spent.calls, 'question')}, {spent.tokens:,} tokens{cost}"


def _record(one: "Attempt") -> dict[str, object]:
    found = {"canonical": one.canonical, "refused": one.refused, "step": one.step, "measures": one.measures}
    return {**asdict(one.proposal), **found}


def _show(found: "list[Attempt]", head: str) -> None:
    echo(head)
    for number, one in enumerate(found, 1):
        echo(f"\n{number}. {_card(one)}")
    echo("\n" + HONEST if any(one.measures for one in found) else "")


def _card(one: "Attempt") -> str:
    from alpha_pipeline.text.untrusted import clean_line

    proposal = one.proposal
    lines = [clean_line(proposal.name)]
    if proposal.dialect == "pandas":
        lines += [
            "   code",
            *("     " + printable(line) for line in proposal.source.splitlines()),
        ]
    said = {
        "expression": one.canonical or proposal.source, "rationale": proposal.rationale, "risks": proposal.risks,
        "expected": proposal.expected_performance and f"{proposal.expected_performance} (the model's words, not measured)",
        "measured": one.measured if one.measures else "",
    }  # fmt: skip
    lines += [f"   {name:<11} {clean_line(text)}" for name, text in said.items() if text]
    lines += [f"   refused     {one.refused.splitlines()[0]}"] if one.refused else []
    lines += ["   " + line for line in one.refused.splitlines()[1:]]
    return "\n".join(lines)


def _line(one: "Attempt") -> str:
    told = one.measured if not one.refused else "refused: " + one.refused.splitlines()[0]
    return f"step {one.step}  {one.canonical or one.proposal.source}\n        {told}"


def _text(argument: str) -> str:
    """What a shell handed over; bytes that are no text become question marks."""
    return argument.encode("utf-8", "replace").decode()
