"""Language models: any OpenAI-compatible server or a local one, the cache of answers, and sentiment scores."""
