"""Signals: directional views of many sources on each symbol, each with a confidence."""
