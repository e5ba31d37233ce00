"""`factors.toml`: what is read, and what is refused with its place."""

from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.factors.submitted_factors import SubmittedFactor, read_factor_file
from alpha_pipeline.market.markets import CRYPTO, EQUITIES

MARKETS = (CRYPTO, EQUITIES)
GOOD = """
[[factor]]
expression = "-ts_zscore(close, 5d)"
name = "calm"
rationale = "Moves come back."

[[factor]]
expression = "alpha158.CORD20"
market = "equities"

[[factor]]
expression = 'cs_rank(factor("calm")) * edge_of_mine'
"""


def written(folder: Path, text: str) -> Path:
    (folder / "factors.toml").write_text(text)
    return folder / "factors.toml"


def test_a_file_is_a_list_of_factors(tmp_path: Path) -> None:
    """In order, in the first market unless another is named; fields and library are judged when they are tried."""
    factors = read_factor_file(written(tmp_path, GOOD), MARKETS)
    assert [(factor.name, factor.market) for factor in factors] == [
        ("calm", "crypto"),
        ("", "equities"),
        ("", "crypto"),
    ]
    assert factors[1].place == "factors.toml, line 7, factor 2"
    assert read_factor_file(tmp_path / "absent.toml", MARKETS) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[factor]]\nexpresion = 'close'", "line 1, factor 1: unknown key 'expresion'; expected some of expression"),
        ("\n[[factor]]\nname = 'x'", "factors.toml, line 2, factor 1: no expression"),
        ("[[factor]]\nexpression = 5", "line 1, factor 1: expression is 5; expected text"),
        ("[[factor]]\nexpression = 'close'\n[[factor]]\nexpression = 'ts_mean(close'",
         "line 3, factor 2: the expression is refused: expected ')'"),
        ("[[factor]]\nexpression = 'rank(close)'", "compares symbols, and the price of one"),
        ("[[factor]]\nexpression = 'delay(close, -1)'", "the expression is refused"),
        ("[[factor]]\nexpression = 'close'\nmarket = 'forex'", "market is 'forex'; expected one of crypto, equities"),
        ("[[factor]]\nexpression = 'close'\ndialect = 'r'", "dialect is 'r'; expected one of dsl, math, pandas"),
        ("[[factor]]\nexpression = 'close'\nname = 'a\"b'", "line 1, factor 1: name is 'a\"b'; expected letters"),
        ("[[factor]]\nexpression = 'close'\nname = 'a'\n[[factor]]\nexpression = 'volume'\nname = 'a'",
         "factors.toml, line 4, factor 2: name 'a' is that of factors.toml, line 1, factor 1"),
        ("[factors]\nx = 1", "unknown table 'factors'; expected [[factor]]"),
        ("[factor]\nexpression = 'close'", "expected [[factor]] before each factor"),
        ("[[factor]\n", "factors.toml cannot be read: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    """File, line, entry, what was found, what is allowed."""
    with pytest.raises(SettingError) as refused:
        read_factor_file(written(tmp_path, text), MARKETS)
    assert message in str(refused.value)


def test_one_name_may_stand_in_two_markets(tmp_path: Path) -> None:
    """Their libraries are apart."""
    text = "[[factor]]\nexpression='close'\nname='a'\n[[factor]]\nexpression='close'\nname='a'\nmarket='equities'"
    assert len(read_factor_file(written(tmp_path, text), MARKETS)) == 2


def test_a_name_is_bounded() -> None:
    """It must fit into factor("name")."""
    with pytest.raises(SettingError, match="name has 65 characters; expected at most 64"):
        SubmittedFactor("close", "x" * 65)
