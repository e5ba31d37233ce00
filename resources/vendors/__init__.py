"""Data vendors: one package per vendor or kind, and the interfaces, request batches and parsers they share."""
