"""
What exists and when: the asset graph, one file per layer in the order data flows.

Thin on purpose: an asset asks a resource, calls one library function, returns, attaches metadata.
"""
