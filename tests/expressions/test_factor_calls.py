"""`factor("name")` stands for the tree of an admitted factor, in all dialects."""

import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import identity, lookback, parse

FIELDS = ("close", "volume")
ADMITTED = {"calm": "-ts_zscore(close, 20)", "calm_1a2b3c4d": "-ts_zscore(close, 20)", "paid": "ts_mean(funding, 3)"}


def read(text: str, dialect: str = "dsl") -> object:
    return parse(text, dialect, FIELDS, factors=lambda: ADMITTED)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ('ts_mean(factor("calm"), 5) * volume', "dsl"),
        ("mean(factor('calm_1a2b3c4d'), 5) * $volume", "dsl"),
        ("μ(factor(\N{LEFT DOUBLE QUOTATION MARK}calm\N{RIGHT DOUBLE QUOTATION MARK}), 5) · volume", "math"),
        ("a = factor('calm'); mean(a, 5) * volume", "dsl"),
        ('def calculate_factor(df):\n    return factor("calm").rolling(5).mean() * df["volume"]', "pandas"),
    ],
)
def test_the_call_is_replaced_by_the_tree(text: str, dialect: str) -> None:
    """Nothing of the call is left: canonical form, identity and look-back are those of the formula written out."""
    node = parse(text, dialect, FIELDS, factors=lambda: ADMITTED)
    written_out = parse("ts_mean(-ts_zscore(close, 20), 5) * volume")
    assert identity(node) == identity(written_out) and lookback(node) == 23


def test_an_alias_is_the_factor_itself() -> None:
    """So that novelty finds it."""
    assert read('factor("calm")') is parse("-ts_zscore(close, 20)")


@pytest.mark.parametrize(
    ("text", "dialect", "reason"),
    [
        ('rank(factor(<"calmm">))', "dsl", "no factor 'calmm' in the library; did you mean calm"),
        ('factor(<"zz">)', "dsl", "it has calm, calm_1a2b3c4d, paid"),
        ('factor(<"paid">)', "dsl", "factor 'paid' is ts_mean(funding, 3): unknown field 'funding'"),
        ("factor(<close>)", "dsl", "name of one admitted factor, in quotes"),
        ("factor(<5d>)", "dsl", "name of one admitted factor, in quotes"),
        ("<factor>()", "dsl", "name of one admitted factor, in quotes"),
        ("factor(<'calm'>, 'paid')", "dsl", "name of one admitted factor, in quotes"),
        ("f = <factor('calmm')>", "pandas", "no factor 'calmm' in the library; did you mean calm"),
    ],
)
def test_what_is_no_admitted_factor_is_refused_in_its_place(text: str, dialect: str, reason: str) -> None:
    """The mark shows the place."""
    with pytest.raises(ExpressionError) as refused:
        read(text.replace("<", "").replace(">", ""), dialect)
    assert reason in str(refused.value)
    if dialect == "dsl":
        assert refused.value.position == text.index("<")


def test_the_library_is_opened_only_when_it_is_needed() -> None:
    """A formula without such a call reads nothing; without a library the call is refused."""

    def closed() -> dict[str, str]:
        raise AssertionError("opened")

    parse("-ts_zscore(close, 20)", factors=closed)
    with pytest.raises(ExpressionError, match="no library here"):
        parse('factor("calm")')


def test_a_field_of_that_name_stays_a_field() -> None:
    """Qlib has a field `factor`."""
    assert str(parse("close * factor", fields=("close", "factor"), factors=lambda: ADMITTED)) == "factor * close"
