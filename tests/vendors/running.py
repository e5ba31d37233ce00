"""
The vendors as a process of their own, for tests: started, told what to do, ended.

What they serve is in the files beside.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Vendors:
    """A running `python -m tests.vendors`: its address and its control."""

    url: str

    def told(self) -> dict[str, Any]:
        """`total` requests so far, by `vendors`, and each one `asked`, in order."""
        with urllib.request.urlopen(f"{self.url}/control", timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def order(self, **wish: object) -> None:
        """Post to the control, such as `path="/bybit", faults=["500"], times=-1`, `revise={...}` or `reset=True`."""
        body = json.dumps(wish).encode()
        request = urllib.request.Request(f"{self.url}/control", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Queries of the requests below a path, in order."""
        return [query for asked, query in self.told()["asked"] if asked.startswith(path)]


@contextmanager
def vendors(*arguments: str) -> Iterator[Vendors]:
    """Start the process, wait for its address, end it by closing its input."""
    command = [sys.executable, "-m", "tests.vendors", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        yield Vendors(process.stdout.readline().strip())
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
