"""
The sentiment of short texts, such as headlines and posts, as one number each.

Where texts come from is the doors' business; what a sentiment is worth to a trader, the fusion's.
"""

from alpha_pipeline.text.lexicon import LexiconScorer, lexicon_scores
from alpha_pipeline.text.scorer import NEUTRAL, SentimentScorer

__all__ = ["NEUTRAL", "LexiconScorer", "SentimentScorer", "lexicon_scores"]
