"""Language models: chat protocol, budget, prices and training cutoffs."""
