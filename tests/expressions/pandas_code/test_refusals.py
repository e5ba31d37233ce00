"""Look-ahead and untranslated constructs are refused by name, with caret and remedy."""

import re

import pytest

from alpha_pipeline.errors import ExpressionError
from alpha_pipeline.expressions import parse

FIELDS = ("open", "high", "low", "close", "volume")
FUNCTION = "def calculate_factor(df):\n    n = 2\n    x = df['close']\n    y = {}\n    return y * 2\n"

# The bar stands where the caret must be.
LEAKS = """
x.¦shift(-1)
x.¦shift(periods=-3)
x.¦shift(-n)
x.¦diff(-1)
x.¦diff(periods=-2)
x.¦pct_change(-1)
x.¦pct_change(periods=-5)
x.rolling(5).mean().¦shift(-2)
x.¦rolling(5, center=True).mean()
x.¦rolling(5, 1, True).mean()
x.¦rolling(-5).mean()
x.¦bfill()
x.¦backfill()
x.¦fillna(method='bfill')
x.¦fillna(method='ffill')
x.¦ffill()
x.¦interpolate()
x.¦interpolate(method='linear')
x.¦resample('1D').last()
x.¦asfreq('1h')
x¦[::-1]
x¦[::-1].rolling(5).mean()[::-1]
x¦[1:]
x¦[-1]
x¦[0]
x.¦iloc[::-1]
x.¦iloc[-1]
x.¦iloc[0]
x.¦loc['2024-01-01']
x.¦iat[0]
x.¦at[0]
x.¦head(10)
x.¦tail(10)
x.¦first('5D')
x.¦last('5D')
x.¦sort_values()
x.¦sort_index(ascending=False)
df.¦sort_values('close').close
df.¦sort_index(ascending=False).close
x / x.¦mean()
(x - x.¦mean()) / x.std()
x / x.¦max()
(x - x.¦min()) / (x.max() - x.min())
x.¦median()
x.¦sum()
x.¦var()
x.¦skew()
x.¦kurt()
x.¦prod()
x.¦quantile(0.9)
x.clip(x.¦quantile(0.01), x.quantile(0.99))
x.fillna(x.¦mean())
x.¦rank()
x.¦rank(pct=True)
x.¦corr(df.volume)
x.¦cov(df.volume)
x.¦autocorr(1)
df.¦corr()
df.¦mean()
df[['open', 'close']].¦mean()
df[['open', 'close']].¦max(axis=0)
x.¦idxmax()
x.¦argmax()
x.¦nlargest(5)
x.¦mode()
x.¦describe()
x.¦value_counts()
x.¦cumsum()
x.¦cumprod()
x.¦cummax()
x.¦cummin()
x.¦expanding().mean()
df.¦expanding().mean()
x.¦groupby(df.volume > 0).transform('mean')
df.¦groupby('symbol')['close'].shift(1)
df.¦merge(df, how='left').close
df.¦join(df).close
pd.¦merge(df, df).close
pd.¦merge_asof(df, df).close
pd.¦qcut(x, 5)
pd.¦cut(x, 5)
x.¦dropna()
df.¦dropna().close
df.¦query('close > 1').close
x.¦reindex([1, 2, 3])
x.¦sample(10)
x.values¦[-1]
x.values¦[::-1]
x.to_numpy()¦[5]
np.¦mean(x)
np.¦std(x)
np.¦max(x)
np.¦nanmean(x)
np.¦percentile(x, 5)
np.¦quantile(x, 0.5)
np.¦median(x)
np.¦roll(x, -1)
np.¦roll(x, 1)
np.¦flip(x)
np.¦gradient(x)
np.¦cumsum(x)
np.¦cumprod(x)
np.¦fft.fft(x)
np.¦fft.rfft(x).real
np.¦convolve(x, [1, 1], mode='same')
np.¦interp(x, x, x)
np.¦polyfit(x, x, 1)
np.¦corrcoef(x, x)
np.¦argsort(x)
np.¦sort(x)
np.¦linalg.norm(x)
np.¦random.normal(0, 1)
np.¦histogram(x)
x.where(x > x.¦mean(), 0)
np.where(x > np.¦percentile(x, 90), 1, 0)
x.rolling(5).mean().¦bfill()
x.rolling(5).apply(lambda v: v.mean() - x.¦mean())
df.¦iloc[5].close
df.¦loc[5, 'close']
df.¦loc[5:10, 'close']
df.¦shape[0] * x
x ¦* len(df)
x.¦empty
x ¦/ len(x)
x.¦reset_index(drop=True)
df¦['label'] * x
"""
OTHERS = [
    ("pd.¦concat([x, df.open]).diff()", "syntax"),
    ("df¦[df.close > 1].close", "syntax"),
    ("x¦[x > 1]", "syntax"),
    ("x.¦apply(lambda v: v - x.mean())", "unknown"),
    ("df.¦apply(lambda row: row['close'] - df['close'].iloc[row.name], axis=1)", "unknown"),
    ("df.close.¦shift(freq='-1D')", "syntax"),
    ("x.ewm(span=5).¦std()", "syntax"),
    ("x.¦rolling('5D').mean()", "type"),
    ("x.¦rolling(5, win_type='gaussian').mean()", "syntax"),
    ("x.¦rolling(5, closed='both').mean()", "syntax"),
    ("x.rolling(5, min_periods=2).¦skew()", "syntax"),
    ("x.¦apply(lambda v: max(v, 0))", "unknown"),
    ("x.¦round(2)", "unknown"),
    ("df.index.¦hour * x", "unknown"),
    ("df.¦clsoe * x", "unknown"),
]
CHAIN = """
factor = (
    df['close']
    .pct_change(5)
    .rolling(20)
    .mean()
    .shift(-1)
)
"""
ROOMS = [
    ("import scipy.signal", "scipy.signal"),
    ("from sklearn.linear_model import LinearRegression", "sklearn"),
    ("import talib", "talib"),
    ("if len(df) < 20:\n    y = df.close", "`if`"),
    ("try:\n    y = df.close\nexcept Exception:\n    y = df.open", "`try`"),
    ("while True:\n    pass", "`while`"),
    ("def f(df):\n    x = df.close", "no `return`"),
    ("def f(df):\n    return df.close\n    return df.open", "never reached"),
    ("def f(df):\n    df['x'] = df.close\n    return df", "one series"),
    ("df.close if df.close > 1 else 0", "`a if c else b`"),
    ("df.close > 1 and df.open > 1", "`and`"),
    ("x[df.close > 1] = 0", "'x' was not assigned"),
    ("x: print(1) = df.close", "annotation"),
    ("d = df\nd['close'] = df.open\nd['close']", "same frame"),
    ("~(df.close > df.open).shift(1)", "moved in time"),
    ("(df.close > df.open) - (df.low > 1)", "subtract conditions"),
    ("df.close.astype('float32')", "64-bit"),
    ("df.close.replace([np.inf, -np.inf], 0)", "infinities"),
    ("df.close.ewm(span=5, ignore_na=True).mean()", "ignore_na"),
    ("df.close.rolling(5, min_periods=6).mean()", "min_periods"),
    ("df.close + df.volume", "cannot add a price and a volume"),
    ("np.where(df.close > df.volume, 1, 0)", "cannot compare a price and a volume"),
    ("np.tanh(df.close)", "needs a plain number, not a price"),
]


@pytest.mark.parametrize("marked", LEAKS.strip().split("\n"))
def test_leaks_are_named_where_they_stand(marked: str) -> None:
    """The kind is a leak, the caret under the construct, the reason names it and a causal spelling is offered."""
    error = _refused(FUNCTION.format(marked))
    assert error.kind == "leak" and error.suggestion
    word = re.match(r"\w+", marked.partition("¦")[2])
    assert word is None or word[0] in error.reason


@pytest.mark.parametrize(("marked", "kind"), OTHERS)
def test_what_is_not_translated_teaches(marked: str, kind: str) -> None:
    """The caret is under the construct, and there is a remedy."""
    error = _refused(FUNCTION.format(marked))
    assert error.kind == kind and error.suggestion


@pytest.mark.parametrize(("code", "word"), ROOMS)
def test_statements_and_rules_are_named(code: str, word: str) -> None:
    """Constructs outside the language and invalid values are refused with a reason."""
    with pytest.raises(ExpressionError) as caught:
        parse(code, "pandas", fields=FIELDS)
    assert word in caught.value.reason


def test_a_chain_over_lines_is_refused_on_its_line() -> None:
    """The line of the method counts, not the one on which its chain begins."""
    with pytest.raises(ExpressionError) as caught:
        parse(CHAIN, "pandas", fields=FIELDS)
    assert "at line 7, column 6:" in str(caught.value) and "    .shift(-1)" in str(caught.value)


def _refused(marked: str) -> ExpressionError:
    """The error of code whose fault is marked; its caret is checked here."""
    code = marked.replace("¦", "")
    with pytest.raises(ExpressionError) as caught:
        parse(code, "pandas", fields=FIELDS)
    assert caught.value.position == marked.index("¦")
    return caught.value
