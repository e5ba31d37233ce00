"""
`python -m tests.vendors --port 0`: prints its address, then serves until its standard input closes.

What is served is in the files beside.
"""

import argparse
import sys
import threading

import pandas as pd

from .server import serve
from .world import World


def main() -> None:
    """Serve; the clock is the present unless one is given."""
    parser = argparse.ArgumentParser(prog="python -m tests.vendors", description="All vendors on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--now", default="", help="a moment at which the vendors' clock stands still, UTC")
    asked = parser.parse_args()
    fixed = pd.Timestamp(asked.now, tz="UTC") if asked.now else None
    server = serve(World(lambda: fixed if fixed is not None else pd.Timestamp.now("UTC")), asked.port)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    main()
