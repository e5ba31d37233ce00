"""
All vendors of market data in one process on loopback, in the recorded shapes; `python -m tests.vendors` serves them.

Every number follows from vendor, symbol and time alone. What the product makes of the answers is for its tests to say.
"""
