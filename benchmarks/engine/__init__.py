"""
Ratios of the expression engine against its peers: same process, same data, one thread each.

    python -m benchmarks.engine [--quick] [workload ...]
"""

import os

# Read by the libraries when they are imported, hence before any of them.
for variable in ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
