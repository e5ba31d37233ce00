"""Declaration of assets: partitions, table schema, deadlines, and how a step runs."""
