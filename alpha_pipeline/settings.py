"""
Settings of the project: one model nested by subject, read from the environment, validated once and passed down.

The only module that reads the environment. A variable is `ALPHA_PIPELINE_` and the path of its field joined by `__`
(`ALPHA_PIPELINE_FUSION__THRESHOLD`), or the short name its field declares (`ALPHA_PIPELINE_LAKE`). An empty variable
counts as absent; an unknown one is refused. `dagster` commands put a `.env` file of the root into the environment
themselves; this module reads no file.
"""

import difflib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from dataclasses import dataclass as plain_dataclass
from datetime import datetime
from email.utils import parseaddr
from functools import cache, lru_cache, wraps
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, cast, dataclass_transform, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.dataclasses import dataclass as validated
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from alpha_pipeline.errors import DataError, SettingError

PREFIX, NESTED = "ALPHA_PIPELINE_", "__"
# The embedded prices end on 2019-10-01; live data begin on the first day of the user and have no end.
SAMPLE_DAYS, LIVE_DAYS = ("2019-07-01", "2019-10-01"), ("2026-01-01", "")
MASK = "********"
# From an idea; as pandas code; by improving a factor; from fields beyond prices.
PromptMode = Literal["generate", "code", "optimize", "multimodal"]
Section = TypeVar("Section")


@dataclass_transform(frozen_default=True)
def section(cls: type[Section]) -> type[Section]:
    """A frozen dataclass whose values are validated; what is wrong raises SettingError, by the field's name."""
    checked: Any = validated(frozen=True, config=ConfigDict(extra="forbid"))(cls)
    build = checked.__init__

    @wraps(build)
    def init(self: object, *arguments: object, **values: object) -> None:
        try:
            build(self, *arguments, **values)
        except ValidationError as error:
            raise SettingError(_message(error, checked, ())) from None

    checked.__init__ = init
    return cast(type[Section], checked)


@plain_dataclass(frozen=True)
class Variable:
    """The short name of a field's environment variable, without the prefix."""

    name: str


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        if not text or (parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0):
            return text
    except ValueError:  # half of an IPv6 address, a port that is not a number
        pass
    raise ValueError("an address such as http://127.0.0.1:8000/v1")


def _secret_address(secret: SecretStr) -> SecretStr:
    _address(secret.get_secret_value())
    return secret


def _one_line(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("one line of ASCII characters")
    return secret


def _day(text: str) -> str:
    try:
        return text and str(datetime.strptime(text, "%Y-%m-%d").date())
    except ValueError:
        raise ValueError("a day as YYYY-MM-DD") from None


def _mail(text: str) -> str:
    if text and ("@" not in parseaddr(text)[1] or not text.isprintable()):
        raise ValueError("an address such as me@host")
    return text


def _mails(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_mail, texts))


def _host(text: str) -> str:
    host, colon, port = text.partition(":")
    if not host or (colon and not port.isdecimal()):
        raise ValueError("host or host:port")
    return text


Address = Annotated[str, AfterValidator(_address)]
SecretAddress = Annotated[SecretStr, AfterValidator(_secret_address)]
Day = Annotated[str, AfterValidator(_day)]
Names = tuple[str, ...]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
UNSET = SecretStr("")


@section
class DataSettings:
    """
    Data: where prices and facts come from.

    Args:
        source: `sample` (embedded, offline) or `live` (the vendors; none needs a key).
        crypto_symbols: symbols of coins; empty for the 20 default perpetuals.
        equity_symbols: symbols of stocks; empty for the 50 default ones.
        vendors_url: one address that stands in for all vendors, each below a folder of its name. No rate limit is kept
            and waits are short, so it must not lead on to the vendors.
        feeds: addresses of RSS or Atom feeds, of both markets, instead of the default ones.
        metrics: on-chain metrics instead of the default ones: `netflow=FlowInExNtv-FlowOutExNtv, supply=SplyCur`.
        without: sources of facts that are left out, such as `gdelt`.
        reddit_id: key of a Reddit application; without it Reddit is left out.
        reddit_secret: secret of that application.
        cache_folder: folder of the Yahoo client's time-zone cache; empty for temporary files.
    """

    source: Annotated[Literal["sample", "live"], Variable("SOURCE")] = "sample"
    crypto_symbols: Annotated[Names, Variable("CRYPTO_SYMBOLS")] = ()
    equity_symbols: Annotated[Names, Variable("EQUITY_SYMBOLS")] = ()
    vendors_url: Annotated[Address, Variable("VENDORS_URL")] = ""
    feeds: Names = ()
    metrics: str = ""
    without: Names = ()
    reddit_id: str = ""
    reddit_secret: SecretStr = UNSET
    cache_folder: str = ""


@section
class DaySettings:
    """
    Run dates: which days the graph has.

    Args:
        first: first day of the graph (2026-01-01 where the source is `live`); older bars come as one bulk history.
        end: first day that is not part of the graph any more; a `live` graph has no end.
    """

    first: Annotated[Day, Variable("FIRST_DAY")] = SAMPLE_DAYS[0]
    end: Annotated[Day, Variable("END_DAY")] = SAMPLE_DAYS[1]


@section
class LakeSettings:
    """
    Lake: where results are stored.

    Args:
        root: a folder or any fsspec address, such as `s3://bucket/lake`.
    """

    root: Annotated[str, Variable("LAKE")] = "data"


@section
class MarketSettings:
    """
    Markets: what trading costs.

    Args:
        fee_bps: taker fee per unit of turnover.
        slippage_bps: half spread and slippage per unit of turnover.
        borrow_bps_per_year: cost of holding a short position.
    """

    fee_bps: Annotated[float, Field(ge=0, lt=10_000)]
    slippage_bps: Annotated[float, Field(ge=0, lt=10_000)]
    borrow_bps_per_year: Annotated[float, Field(ge=0, lt=1_000_000)] = 0.0


MARKETS: Mapping[str, MarketSettings] = MappingProxyType(
    {
        "crypto": MarketSettings(fee_bps=10.0, slippage_bps=5.0),
        "equities": MarketSettings(fee_bps=1.0, slippage_bps=5.0, borrow_bps_per_year=50.0),
    }
)


@section
class ModelSettings:
    """
    Language model: what writes and judges formulas.

    Args:
        url: base URL of an OpenAI-compatible server; empty for a model on this machine.
        key: key of that server; never stored, logged or shown.
        name: name of the model on that server.
        gguf: a GGUF file to serve on this machine; empty for the embedded model.
        proposer: `model`, or a control without a model: `random_grammar` or `mutation`.
        constrain: how answers are constrained: `pattern` (to the language), `schema` (to a JSON schema) or `none`;
            empty for `pattern` on this machine and `schema` on a server.
        prices: a TOML file of prices, USD per million tokens by model; empty for the one that ships.
        timeout_seconds: longest time of one call.
        attempts: attempts of one call when the server is busy or unreachable.
    """

    url: Annotated[Address, Variable("MODEL_URL")] = ""
    key: Annotated[SecretStr, Variable("MODEL_KEY"), AfterValidator(_one_line)] = UNSET
    name: Annotated[str, Variable("MODEL")] = ""
    gguf: Annotated[str, Variable("GGUF")] = ""
    proposer: Annotated[Literal["model", "random_grammar", "mutation"], Variable("PROPOSER")] = "model"
    constrain: Literal["", "pattern", "schema", "none"] = ""
    prices: str = ""
    timeout_seconds: Annotated[float, Field(gt=0, lt=86_400)] = 120.0
    attempts: AtLeastOne = 3


@section
class SentimentSettings:
    """
    Sentiment: what scores headlines and posts, and what a model may cost for it.

    Args:
        scorer: `lexicon` (needs nothing) or `model` (the configured language model). The embedded model is not fit for
            it, and models of up to 1.5 billion parameters call most texts positive.
        calls, tokens, seconds, usd: limit of a run; texts beyond it are scored by the lexicon. Twenty titles take one
            call and some 800 tokens.
    """

    scorer: Literal["lexicon", "model"] = "lexicon"
    calls: Count = 50
    tokens: Count = 100_000
    seconds: Amount = 600.0
    usd: Amount = 0.5


@section
class Budget:
    """
    Limits of one run date and of its calendar month.

    Args:
        night_calls, night_tokens, night_seconds, night_usd: limit of one run date; seconds are those of the model.
        month_tokens, month_usd: limit of all run dates of the month.

    Limits of tokens and money assume that the server respects the requested length of an answer.
    """

    night_calls: Count = 200
    night_tokens: Count = 200_000
    night_seconds: Amount = 3_600.0
    night_usd: Amount = 1.0
    month_tokens: Count = 5_000_000
    month_usd: Amount = 20.0


@section
class Admission:
    """
    Admission rule: all that a factor must show to enter the library. It is significant on train among everything
    tried; again on validation, which no writer sees, among all that were significant on train; and earns after costs
    on both.

    Args:
        t_stat: size of the Newey-West t of its rank IC on train.
        train_q_value: false discovery rate on train among everything ever tried (Benjamini-Yekutieli).
        valid_q_value: false discovery rate on validation, one-sided in the direction of train, among all trials that
            were discovered on train (Benjamini-Hochberg).
        sharpe: annual net Sharpe ratio on validation.
        probabilistic_sharpe: probabilistic Sharpe ratio over train and validation against zero.
        deflated_sharpe: the same against the luckiest of all trials; 0 only reports it, and weighs the factor by it.
        correlation: with any active factor.
        clearly_better: annual net Sharpe ratio by which a factor too close to an active one must beat it to replace it.
    """

    t_stat: float = 3.0
    train_q_value: float = 0.05
    valid_q_value: float = 0.05
    sharpe: float = 0.0
    probabilistic_sharpe: float = 0.9
    deflated_sharpe: float = 0.0
    correlation: float = 0.7
    clearly_better: float = 0.5

    def to_text(self) -> str:
        """The rule as the ledger stores it, JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> "Admission":
        """
        The rule that a ledger stored; the default one where it stored none, as ledgers did before they had the column.

        Raises:
            DataError: the text is not an admission rule.
        """
        try:
            return cls(**json.loads(text)) if text else cls()
        except (TypeError, ValueError, SettingError) as error:
            raise DataError(f"{text[:200]!r} is not an admission rule: {error}") from error


@section
class Mining:
    """
    Mining: how much is tried on a run date.

    Args:
        rounds: inner-loop rounds; each sees what the earlier ones measured.
        proposals_per_round: proposals a round.
        batch: proposals asked for in one question, where the proposer can.
        prompt_modes: modes of the question, in turn: `generate`, `code`, `optimize`, `multimodal`.
        factor_types: types of factors to propose; all that the fields allow when empty.
        context: what the user wants considered besides.
        repairs: times a refused proposal goes back to its writer.
        seed: start of every proposal's seed.
        budget: what the model may cost.
        admission: what a factor must show.
    """

    rounds: Count = 2
    proposals_per_round: Count = 6
    batch: AtLeastOne = 3
    prompt_modes: tuple[PromptMode, ...] = ("generate", "generate", "optimize", "multimodal")
    factor_types: Names = ()
    context: str = ""
    repairs: Count = 1
    seed: int = 0
    budget: Budget = Budget()
    admission: Admission = Admission()


@section
class DecisionRule:
    """
    Thresholds of the decision.

    Args:
        threshold: `|value|` above which a decision is LONG or SHORT.
        confidence: calibrated confidence above which it is; both must be exceeded.
        agreement_share: share of the raw confidence that disagreement among sources can remove.
        coverage_share: share of it that absent sources can remove.
    """

    threshold: Share = 0.3
    confidence: Share = 0.5
    agreement_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    coverage_share: Annotated[float, Field(ge=0, le=1)] = 0.2


@section
class FusionSettings(DecisionRule):
    """
    Fusion: how the signals of all sources become one decision.

    Args:
        method: name of a fusion method.
    """

    method: str = "weighted"


@section
class PaperConfig:
    """
    Paper accounts: configuration of an account.

    Args:
        capital: initial capital in quote currency; open accounts keep theirs.
        gross: maximum gross exposure of the target weights; no leverage.
        max_weight: maximum weight of one symbol.
    """

    capital: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100_000.0
    gross: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_weight: Annotated[float, Field(gt=0, le=1)] = 0.1


@section
class AlertSettings:
    """
    Alerts: where they are sent; without a channel they stand in the log of the sensors alone.

    Args:
        slack_webhook: address of an incoming webhook, Slack's or a compatible one.
        mail_to: receivers.
        mail_from: sender; empty for the first receiver.
        mail_server: `host` or `host:port`; port 587, or 465 with `tls`, when none is given.
        mail_user, mail_password: of the mail server, where it wants any.
        mail_tls: `starttls`, `tls` from the first byte, or `none` for a server on this machine.
        ui_url: address of the UI, for links.
    """

    slack_webhook: SecretAddress = UNSET
    mail_to: Annotated[Names, AfterValidator(_mails)] = ()
    mail_from: Annotated[str, AfterValidator(_mail)] = ""
    mail_server: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    mail_user: str = ""
    mail_password: SecretStr = UNSET
    mail_tls: Literal["starttls", "tls", "none"] = "starttls"
    ui_url: Address = ""


@section
class ExportSettings:
    """
    Export: where decisions go.

    Args:
        webhook: address to which the JSON of the newest run date is posted.
    """

    webhook: SecretAddress = UNSET


@plain_dataclass(frozen=True)
class Setting:
    """
    One value of the model: where it stands, what it may be, and its default.

    Args:
        path: names of the sections and of the field.
        title: the subject it belongs to.
        meaning: one or two sentences.
        field: type and constraints.
        default: a plain value.
    """

    path: tuple[str, ...]
    title: str
    meaning: str
    field: FieldInfo
    default: object

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        short = next((part.name for part in self.field.metadata if isinstance(part, Variable)), None)
        return PREFIX + (short or NESTED.join(self.path).upper())

    def shown(self, value: object) -> str:
        """A value as text: lists separated by commas, secrets masked."""
        if isinstance(value, SecretStr):
            return MASK if value.get_secret_value() else ""
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) and value == round(value, 6) else str(value)

    @property
    def expected(self) -> str:
        """What is allowed, after "expected"."""
        return _expected(self.field)


class _EnvironmentSource(PydanticBaseSettingsSource):
    """Values of the environment, nested as the model is."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: a variable sets one value inside a section."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        given = _given()
        _refuse_unknown(given)
        values: dict[str, Any] = {}
        for setting in all_settings():
            if setting.variable in given:
                part = values
                for name in setting.path[:-1]:
                    part = part.setdefault(name, {})
                part[setting.path[-1]] = _parsed(given[setting.variable], setting.field)
        return values


class Settings(BaseSettings):
    """
    Every setting of the project, by subject.

    Args:
        executor: how the steps of a run are executed: `in_process` or `multiprocess`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    data: DataSettings = DataSettings()
    days: DaySettings = DaySettings()
    lake: LakeSettings = LakeSettings()
    markets: dict[str, MarketSettings] = Field(default_factory=lambda: dict(MARKETS))
    model: ModelSettings = ModelSettings()
    sentiment: SentimentSettings = SentimentSettings()
    mining: Mining = Mining()
    fusion: FusionSettings = FusionSettings()
    paper: PaperConfig = PaperConfig()
    alerts: AlertSettings = AlertSettings()
    export: ExportSettings = ExportSettings()
    executor: Literal["in_process", "multiprocess"] = "in_process"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment; a file of the project would follow."""
        return init_settings, _EnvironmentSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Days that are not set follow the source; costs that are not set are those of their market."""
        data, days, markets = (values.get(name, {}) for name in ("data", "days", "markets"))
        if isinstance(data, dict) and isinstance(days, dict):
            by_source = LIVE_DAYS if data.get("source") == "live" else SAMPLE_DAYS
            days = {"first": by_source[0], "end": by_source[1], **days}
        costs = {name: asdict(default) for name, default in MARKETS.items()}
        for name, market in markets.items():
            costs[name] = {**costs.get(name, {}), **market} if isinstance(market, dict) else market
        return {**values, "days": days, "markets": costs}

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        """Refuse values that are possible alone and impossible together."""
        if self.days.end and not self.days.first < self.days.end:
            raise SettingError(
                f"{PREFIX}FIRST_DAY is {self.days.first!r}; expected a day before {PREFIX}END_DAY, {self.days.end}"
            )
        if self.model.url and not self.model.name:
            raise SettingError(
                f"{PREFIX}MODEL_URL is {without_login(self.model.url)!r} but {PREFIX}MODEL, the model's name, is not "
                "set"
            )
        return self

    @property
    def live(self) -> bool:
        """Whether prices come from vendors, not from the embedded sample."""
        return self.data.source == "live"

    def value(self, setting: Setting) -> object:
        """The value in force."""
        place: Any = self
        for name in setting.path:
            place = place[name] if isinstance(place, dict) else getattr(place, name)
        return place


def load_settings() -> Settings:
    """
    The settings of this process's environment.

    One object for one state of the environment: a test that changes a variable gets the changed settings from the next
    call, and nothing has to be reset.

    Raises:
        SettingError: a variable is unknown, or its value cannot work.
    """
    return _load(tuple(sorted(_given().items())))


def setting_sources() -> dict[str, str]:
    """Per variable the variable that decides its value, or "default"; run dates that are not set follow the source."""
    given, source = _given(), variable_of("data", "source")
    inherited = {setting.variable for setting in all_settings() if setting.path[0] == "days" and source in given}
    return {
        name: name if name in given else source if name in inherited else "default"
        for name in (setting.variable for setting in all_settings())
    }


def variable_of(*path: str) -> str:
    """The environment variable of a setting, such as `variable_of("model", "key")`."""
    return next(setting.variable for setting in all_settings() if setting.path == path)


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a child process: this one's, and more."""
    return {**os.environ, **more}


def export_variable(name: str, value: str) -> None:
    """Set a variable for a library that can be configured in no other way."""
    os.environ[name] = value


def without_login(url: str) -> str:
    """An address without user name and password."""
    return url.rpartition("@")[2] if "@" in url else url


@cache
def all_settings() -> tuple[Setting, ...]:
    """Every setting, in the order of the model."""
    return tuple(_walk(Settings.model_construct(), (), "Execution"))


def _walk(owner: object, path: tuple[str, ...], title: str) -> Iterator[Setting]:
    """Values below an object: sections and tables of sections are entered."""
    meanings = _meanings(type(owner))
    for name, info in _fields(type(owner)).items():
        part = getattr(owner, name)
        for key, value in (part if isinstance(part, dict) else {"": part}).items():
            place = (*path, name, key) if key else (*path, name)
            if _fields(type(value)):
                yield from _walk(value, place, title if path else (type(value).__doc__ or "").strip().split(":")[0])
            else:
                yield Setting(place, title, meanings.get(name, ""), info, value)


def _fields(cls: Any) -> dict[str, FieldInfo]:
    return cast(dict[str, FieldInfo], getattr(cls, "__pydantic_fields__", {}))


def _meanings(cls: type) -> dict[str, str]:
    """Field -> its text below `Args:` in the docstring of its class, inherited ones included."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        names: list[str] = []
        for line in (base.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0].splitlines():
            head = re.match(r" {8}([a-z_]+(?:, [a-z_]+)*): (.*)", line)
            names = head[1].split(", ") if head else names
            for name in names:
                meanings[name] = head[2] if head else f"{meanings[name]} {line.strip()}".strip()
    return meanings


@lru_cache(maxsize=8)
def _load(given: tuple[tuple[str, str], ...]) -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        raise SettingError(_message(error, Settings, ())) from None


def _given() -> dict[str, str]:
    """Variables of the project that are not empty."""
    return {name: text.strip() for name, text in os.environ.items() if name.startswith(PREFIX) and text.strip()}


def _refuse_unknown(given: Mapping[str, str]) -> None:
    names = [setting.variable for setting in all_settings()]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(f"{name} is not a setting{meant} `alpha-pipeline settings` lists all")


def _parsed(text: str, info: FieldInfo) -> object:
    if get_origin(info.annotation) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _message(error: ValidationError, model: Any, path: tuple[str, ...]) -> str:
    """The first fault: the variable or field, the value unless it is secret, and what is allowed."""
    fault = error.errors()[0]
    place = tuple(str(part) for part in fault["loc"] if isinstance(part, str))
    known = {setting.path: setting for setting in all_settings()} if model is Settings else {}
    setting = known.get(place)
    info = setting.field if setting else getattr(model, "__pydantic_fields__", {}).get(place[-1] if place else "")
    name = setting.variable if setting else ".".join(place) or model.__name__
    if info is None:
        return f"{name}: {fault['msg']}"
    reason = fault.get("ctx", {}).get("error")
    expected = str(reason) if isinstance(reason, ValueError) else _expected(info)
    if info.annotation is SecretStr:
        return f"{name} cannot be used (its value is not shown); expected {expected}"
    value = fault["input"]
    return f"{name} is {without_login(value) if isinstance(value, str) else value!r}; expected {expected}"


def _expected(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return f"one of {', '.join(filter(None, get_args(info.annotation)))}"
    if info.annotation not in (int, float):
        return "text" if info.annotation in (str, SecretStr) else _listed(info.annotation)
    bounds = {
        bound: getattr(part, bound)
        for part in info.metadata
        for bound in ("ge", "gt", "le", "lt")
        if hasattr(part, bound)
    }
    kind = "an integer" if info.annotation is int else "a number"
    low = f"[{bounds['ge']:g}" if "ge" in bounds else f"({bounds['gt']:g}" if "gt" in bounds else "(-inf"
    high = f"{bounds['le']:g}]" if "le" in bounds else f"{bounds['lt']:g})" if "lt" in bounds else "inf)"
    return f"{kind} in {low}, {high}" if bounds else kind


def _listed(names: Any) -> str:
    choices = get_args(get_args(names)[0])
    return "names separated by commas" + (f", of {', '.join(choices)}" if choices else "")
