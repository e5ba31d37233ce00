"""
Sections of the settings, by subject; those of a market are in `market_section`.
"""

import json
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from alpha_pipeline.errors import DataError, SettingError
from alpha_pipeline.settings.value_types import (
    UNSET,
    Address,
    Amount,
    AtLeastOne,
    Count,
    Day,
    Host,
    Key,
    Mail,
    Mails,
    Names,
    SecretAddress,
    Share,
    Variable,
    section,
)

# The embedded prices end on 2019-10-01; live data begin on the first day of the user and have no end.
SAMPLE_DAYS, LIVE_DAYS, FILE_DAYS = ("2019-07-01", "2019-10-01"), ("2026-01-01", ""), ("", "")
# From an idea; as pandas code; by improving a factor; from fields beyond prices.
PromptMode = Literal["generate", "code", "optimize", "multimodal"]
FormulaSet = Literal["alpha101", "alpha158"]


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
        first: first day of the graph; older bars come as one bulk history. By default that of the embedded prices, and
            2026-01-01 where the source is `live`; a project of files alone must say it.
        end: first day that is not part of the graph any more; a graph without embedded prices has no end.
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
    key: Annotated[Key, Variable("MODEL_KEY")] = UNSET
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
        deflated_sharpe: the same against the luckiest of all trials; 0 only reports it.
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
        candidates: published sets whose formulas are tried once, beside what is proposed: `alpha101`, `alpha158`.
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
    candidates: tuple[FormulaSet, ...] = ()
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
    mail_to: Mails = ()
    mail_from: Mail = ""
    mail_server: Host = "127.0.0.1"
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
