"""Fusion: signals of many sources become one calibrated decision per symbol."""
