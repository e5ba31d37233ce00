"""Sources of daily chain metrics: Coin Metrics, DefiLlama, blockchain.info and mempool.space, without a key."""
