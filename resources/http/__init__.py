"""HTTP: the client of the data sources, its rate limit and retry policy, and the signal webhook."""
