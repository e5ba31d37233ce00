"""
Doors to the outside: market data, the language model, the Parquet lake.

They speak the types of `alpha_pipeline` and know nothing of the asset graph.
"""
