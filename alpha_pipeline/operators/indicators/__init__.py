"""
Indicators: abbreviations written in the language itself, by what they look at.

Each is expanded when parsed, so its parts are shared with everything else that is computed. What needs a state that
jumps (parabolic SAR, SuperTrend, adaptive means such as KAMA) cannot be written as a formula and is left out.
"""

from alpha_pipeline.operators.indicators import trend, oscillators, volatility, volume  # noqa: F401, I001  # declaring is importing; the order is the tables'
