"""
The mining commands of `alpha-pipeline`: generate, optimize, mine.

Arguments in, one library call, text or JSON out.
"""

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_pipeline.errors import SettingError

if TYPE_CHECKING:  # commands import what they need themselves: a shell waits for every import
    from alpha_pipeline.market import Market
    from alpha_pipeline.mining import Proposer
    from alpha_pipeline.mining.budget import Meter
    from alpha_pipeline.mining.desk import Find
    from alpha_pipeline.panel import Panel

EMBEDDED_NIGHT = "2019-09-30"
EMBEDDED_FIRST_DAY = "2019-07-01"
ASSET_TYPES = ("crypto", "stock", "forex")
HONEST = "Measured on train alone: tries at this desk are counted nowhere, so the bars that decide stay unseen."


def add_mining_commands(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Register the commands with `command(name, run, about, example)`."""
    ask = command(
        "generate", _generate, "ask the model for factors; read, check and measure them on train",
        "generate --asset-type crypto --factor-type momentum --lookback 20 --count 3",
    )  # fmt: skip
    ask.add_argument("--asset-type", choices=ASSET_TYPES, default="crypto", help="default %(default)s")
    ask.add_argument("--factor-type", default="momentum", help="family of the idea: momentum, mean_reversion, ...")
    ask.add_argument("--lookback", type=int, default=20, help="bars to build around (default %(default)s)")
    ask.add_argument("--context", default="", help="what it should consider besides, in your words")
    ask.add_argument("--code", action="store_true", help="ask for pandas code (translated, never run), not a formula")
    ask.add_argument("--fields", default="", help="names it may use, for data you have; then nothing is measured")
    ask.add_argument("--count", type=int, default=1, help="factors wanted (default %(default)s)")
    _add_asking(ask)

    better = command(
        "optimize", _optimize, "improve a factor step by step, each told what the one before earned on train",
        "optimize 'ts_return(close, 5d)' --asset-type crypto",
    )  # fmt: skip
    better.add_argument("expression", help="the factor to start from")
    better.add_argument("--dialect", choices=["dsl", "math", "pandas"], default="dsl", help="default %(default)s")
    better.add_argument("--asset-type", choices=ASSET_TYPES[:2], default="crypto", help="default %(default)s")
    better.add_argument("--steps", type=int, default=3, help="improvements to try (default %(default)s)")
    _add_asking(better)

    night = command(
        "mine", _mine, "one night of mining alone: trials into the ledger, admissions into the library",
        "mine --market crypto --rounds 3 --families momentum,volume",
    )  # fmt: skip
    night.add_argument("--night", default=EMBEDDED_NIGHT, help="ISO day (default %(default)s)")
    night.add_argument("--market", choices=["crypto", "equities", "all"], default="all", help="default %(default)s")
    night.add_argument("--rounds", type=int, help="rounds; each is told what the earlier ones earned")
    night.add_argument("--proposals", type=int, help="factors a round")
    night.add_argument("--batch", type=int, help="factors a question, where the model can")
    night.add_argument("--ways", default="", help="how to ask, in turn: generate,code,optimize,multimodal")
    night.add_argument("--families", default="", help="only these, as momentum,volume")
    night.add_argument("--context", default="", help="what the model should consider besides")
    night.add_argument("--seed", type=int, help="another one gives another night")
    night.add_argument("--proposer", choices=["model", "random_grammar", "mutation"], help="who proposes")
    night.add_argument("--fresh", action="store_true", help="ask every question anew; stored answers count otherwise")
    night.add_argument("--retry", action="store_true", help="ask again what went unanswered")
    night.add_argument("--json", action="store_true", help="the trials as JSON, one a line")


def embedded(market: str) -> "Panel":
    """All embedded bars of a market; its door is opened where the graph's doors are."""
    import pandas as pd

    from alpha_pipeline.definitions import MarketDataResource
    from alpha_pipeline.market import MARKETS
    from alpha_pipeline.panel import Panel, align

    chosen = next(m for m in MARKETS if m.name == market)
    door = MarketDataResource(source="sample").door(chosen)
    return Panel.from_table(align(door.history(chosen, door.coverage(chosen)[1]), {}, pd.Timedelta(0)))


def lake_folder() -> Path:
    """Where results are stored, of `ALPHA_PIPELINE_LAKE`."""
    return Path(os.environ.get("ALPHA_PIPELINE_LAKE", "data"))


def _add_asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0, help="another one gives other answers (default %(default)s)")
    command.add_argument("--fresh", action="store_true", help="ask anew; a stored answer counts otherwise")
    command.add_argument("--json", action="store_true", help="one JSON object a line")


def _generate(options: argparse.Namespace) -> int:
    from alpha_pipeline.mining.desk import ask, task_for, train_bars
    from alpha_pipeline.mining.families import FAMILIES
    from alpha_pipeline.mining.task import Way

    if options.count < 1 or options.lookback < 1:
        raise SettingError(f"--count and --lookback must be at least 1; found {options.count} and {options.lookback}")
    market, data = _market(options.asset_type), _NAMES.get(options.asset_type)
    named = tuple(name.strip() for name in options.fields.split(",") if name.strip())
    if strange := [name for name in named if not name.isidentifier()]:
        raise SettingError(f"--fields are names such as funding_rate; found {', '.join(map(repr, strange))}")
    train = train_bars(embedded(data), market) if data and not named else None
    fields = named or (tuple(train.fields) if train else ("open", "high", "low", "close"))
    task = task_for(market, fields, options.factor_type, options.lookback, options.seed)
    beyond = FAMILIES[task.theme].beyond_prices
    way: Way = "code" if options.code else "multimodal" if beyond else "generate"
    task = replace(task, way=way, context=_text(options.context))
    found: list[Find] = []
    with _writer(options) as (proposer, meter):
        while len(found) < options.count:
            taken = tuple(f"taken, write something else: {one.canonical}" for one in found if one.canonical)
            seed = options.seed + 100 * len(found)
            asked = replace(task, count=options.count - len(found), seed=seed, notes=taken)
            found += ask(proposer, asked, train)
        _show(found, options, f"{task.theme}, window {task.window}: {_bill(proposer, meter)}")
    return 0 if any(not one.refused for one in found) else 1


def _optimize(options: argparse.Namespace) -> int:
    from alpha_pipeline.expressions import lookback, parse
    from alpha_pipeline.mining.desk import improve, task_for, train_bars

    if options.steps < 0:
        raise SettingError(f"--steps must be at least 0; found {options.steps}")
    market = _market(options.asset_type)
    train = train_bars(embedded(_NAMES[options.asset_type]), market)
    node = parse(options.expression.strip(), options.dialect, fields=list(train.fields), bar=market.bar)
    task = task_for(market, tuple(train.fields), "momentum", max(5, lookback(node)), options.seed)
    with _writer(options) as (proposer, meter):
        found = []
        for one in improve(proposer, task, node, train, options.steps):
            found.append(one)
            if not options.json:
                _say(_line(one))
        best = max(found, key=lambda find: find.measures["sharpe"] if find.measures else float("-inf"))
        if options.json:
            _show(found, options, "")
        else:
            _say(f"\nbest on train: step {best.step}, {best.canonical}\n{_bill(proposer, meter)}\n{HONEST}")
    return 0


def _mine(options: argparse.Namespace) -> int:
    import pandas as pd

    from alpha_pipeline.mining import MiningSettings
    from alpha_pipeline.reporting import funnel_text
    from alpha_pipeline.run import NightRun, run_mining

    markets = ["crypto", "equities"] if options.market == "all" else [options.market]
    plain = {
        "rounds": options.rounds, "proposals_per_round": options.proposals, "batch": options.batch,
        "context": _text(options.context) or None, "seed": options.seed, "proposer": options.proposer,
        "fresh": options.fresh or None, "retry": options.retry or None,
        "ways": options.ways.split(",") if options.ways else None,
        "families": options.families.split(",") if options.families else None,
    }  # fmt: skip
    knobs = {name: value for name, value in plain.items() if value is not None}
    same = ("rounds", "proposals_per_round", "batch", "ways", "families")
    told: dict[str, Any] = {name: knobs[name] for name in same if name in knobs}
    MiningSettings(**told)  # a wrong one is refused here, before any process starts
    first_day = os.environ.get("ALPHA_PIPELINE_FIRST_DAY", EMBEDDED_FIRST_DAY)
    night = NightRun(options.night, first_day, lake_folder())
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        seconds = run_mining(night, markets, knobs)
    place = "{market}/factor_definitions/" + f"day={options.night}/part-0.parquet"
    trials = {name: pd.read_parquet(lake_folder() / place.format(market=name)) for name in markets}
    if options.json:
        for market, rows in trials.items():
            for row in rows.assign(market=market).to_dict("records"):
                _say(_json(row))
        return 0
    _say("\n" + funnel_text(trials))
    _say(f"\nThe ledger of the night: {lake_folder() / place.format(market='<market>')}\nDone in {seconds:.0f} s.")
    return 0


_NAMES = {"crypto": "crypto", "stock": "equities"}


def _market(asset_type: str) -> "Market":
    """The market of an asset type; forex has hours like crypto, and no embedded data."""
    from alpha_pipeline.market import CRYPTO, EQUITIES

    return {"crypto": CRYPTO, "stock": EQUITIES}.get(asset_type) or replace(CRYPTO, name="forex", asset_type="forex")


@contextmanager
def _writer(options: argparse.Namespace) -> "Iterator[tuple[Proposer, Meter]]":
    """The configured model, within one night's budget; its answers are stored in the lake."""
    from alpha_pipeline.definitions import LanguageModel, ParquetIOManager
    from alpha_pipeline.mining.budget import PRICES, Budget, Meter, Spent, read_prices

    model = LanguageModel.from_environment()
    prices = read_prices(Path(model.prices) if model.prices else PRICES)
    meter = Meter(Budget(), prices.get(model.name()), Spent())
    with model.open(ParquetIOManager.from_environment().lake, fresh=options.fresh, retry=True) as chat:
        yield model.writer(chat).within(meter), meter


def _bill(proposer: "Proposer", meter: "Meter") -> str:
    spent = meter.night
    cost = f", USD {spent.usd:.4f}" if meter.price and spent.usd else ""
    return f"{proposer.model}, {spent.calls} questions, {spent.tokens:,} tokens{cost}"


def _show(found: "list[Find]", options: argparse.Namespace, head: str) -> None:
    if options.json:
        for one in found:
            _say(_json({**asdict(one.draft), "canonical": one.canonical, "refused": one.refused,
                             "measures": one.measures, "step": one.step}))  # fmt: skip
        return
    _say(head)
    for number, one in enumerate(found, 1):
        _say(f"\n{number}. {_card(one)}")
    _say("\n" + HONEST if any(one.measures for one in found) else "")


def _card(one: "Find") -> str:
    from alpha_pipeline.reporting.wording import plain

    draft = one.draft
    lines = [plain(draft.name)]
    if draft.dialect == "pandas":
        lines += [
            "   code",
            *("     " + "".join(c for c in line if c.isprintable()) for line in draft.source.splitlines()),
        ]
    said = {
        "expression": one.canonical or draft.source, "rationale": draft.rationale, "risks": draft.risks,
        "claims": draft.claims and f"{draft.claims} (the model's words, not measured)",
        "measured": one.measured if one.measures else "",
    }  # fmt: skip
    lines += [f"   {name:<11} {plain(text)}" for name, text in said.items() if text]
    lines += [f"   refused     {one.refused.splitlines()[0]}"] if one.refused else []
    lines += ["   " + line for line in one.refused.splitlines()[1:]]
    return "\n".join(lines)


def _line(one: "Find") -> str:
    told = one.measured if not one.refused else "refused: " + one.refused.splitlines()[0]
    return f"step {one.step}  {one.canonical or one.draft.source}\n        {told}"


def _text(argument: str) -> str:
    """What a shell handed over; bytes that are no text become question marks."""
    return argument.encode("utf-8", "replace").decode()


def _say(text: str) -> None:
    """Print; what a model or a server wrote must not steer the terminal."""
    print("".join(c for c in text if c == "\n" or c.isprintable()), flush=True)


def _json(found: object) -> str:
    """One line of JSON; what is undefined is null, which all readers know."""
    return json.dumps(_defined(found), default=str, allow_nan=False)


def _defined(found: object) -> object:
    if isinstance(found, dict):
        return {key: _defined(value) for key, value in found.items()}
    return None if isinstance(found, float) and not math.isfinite(found) else found
