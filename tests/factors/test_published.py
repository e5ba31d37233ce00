"""A factor given by its name: published formulas, references and library factors."""

import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import parse
from alpha_pipeline.factors.alpha101 import ALPHA101
from alpha_pipeline.factors.alpha158 import ALPHA158
from alpha_pipeline.factors.published import parse_named, published_set

FIELDS = ("open", "high", "low", "close", "volume")


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("alpha003", ALPHA101["alpha003"]),
        (" alpha101.alpha003 ", ALPHA101["alpha003"]),
        ("alpha158.CORD20", ALPHA158["CORD20"]),
        ("cord20", ALPHA158["CORD20"]),
        ("short_term_reversal", "-ts_return(close, 1d)"),
        ("calm_1a2b3c4d", "ts_std(close, 9)"),
        ("close", "close"),
        ("returns", "ts_return(close, 1)"),
        ("factor('calm_1a2b3c4d') * 2", "ts_std(close, 9) * 2"),
    ],
)
def test_a_name_stands_for_its_formula(name: str, expression: str) -> None:
    """In any case of letters, with its set or without."""
    node = parse_named(name, fields=FIELDS, factors=lambda: {"calm_1a2b3c4d": "ts_std(close, 9)"})
    assert node is parse(expression, fields=FIELDS)


def test_a_field_wins_over_a_published_formula() -> None:
    """Data that bring their own `KMID` are read as they are."""
    assert parse_named("KMID", fields=(*FIELDS, "KMID")).operator == "field"
    assert parse_named("KMID", fields=FIELDS).operator == "divide"


def test_a_retired_factor_is_found_by_name_only() -> None:
    """It can be looked at, and no new formula can be built on it."""
    library = {"old": "ts_std(close, 9)"}
    assert parse_named("old", fields=FIELDS, factors=dict, library=lambda: library) is parse("ts_std(close, 9)")
    with pytest.raises(ExpressionError, match="no factor 'old'"):
        parse_named("factor('old')", fields=FIELDS, factors=dict, library=lambda: library)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alpha158.CORX20", "did you mean the formula alpha158.CORR20 or alpha158.CORD20"),
        ("alpha999", "unknown field 'alpha999'"),
        ("clsoe", "Write instead: close"),
        ("momentum_volum", "did you mean the formula momentum_volume"),
        ("alpha011", "it needs the field vwap; there are close, high, low, open, volume"),
        ("alpha101.alpha048", "it needs the field subindustry"),
    ],
)
def test_an_unknown_name_suggests_near_ones(name: str, message: str) -> None:
    """A typing error of a field is an error of a field; a missing field is named."""
    with pytest.raises(ExpressionError) as refused:
        parse_named(name, fields=FIELDS)
    assert message in str(refused.value)


def test_every_formula_of_a_set_has_a_full_name() -> None:
    """Two sets, no name in both."""
    names = [formula.name for name in ("alpha101", "alpha158") for formula in published_set(name)]
    assert len(names) == 101 + 158 == len({name.split(".")[1].lower() for name in names})
    assert names[0] == "alpha101.alpha001"
