"""
The mood of short texts, such as headlines and posts, as one number each.

Where texts come from is the doors' business; what a mood is worth to a trader, the fusion's.
"""

from alpha_pipeline.text.lexicon import LexiconScorer, lexicon_scores
from alpha_pipeline.text.scorer import NEUTRAL, Scorer

__all__ = ["NEUTRAL", "LexiconScorer", "Scorer", "lexicon_scores"]
