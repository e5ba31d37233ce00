"""A real `dagster dev` or `dg dev` on loopback, asked through the GraphQL endpoint its own pages use."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .conftest import settings


@dataclass(frozen=True)
class Webserver:
    """A running `dagster dev`: its address and what to ask it."""

    address: str

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The `data` of a GraphQL answer; raises on errors."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.loads(answer.read())
        assert "errors" not in found, found["errors"]
        return dict(found["data"])


@contextmanager
def webserver(folder: Path, program: str = "dagster", **extra: str) -> Iterator[Webserver]:
    """Start `PROGRAM dev` in the folder, wait until the code location is loaded, end it with all its children."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "dagster-dev.log").open("w")
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(program)), "dev", "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env=settings(folder, **extra),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    server = Webserver(f"http://127.0.0.1:{port}")
    try:
        _wait(server, process)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):  # what is left of the group, if anything
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def _wait(server: Webserver, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "dagster dev ended; see dagster-dev.log in its folder"
        try:
            if server.ask("{ assetNodes { id } }")["assetNodes"]:
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(1)
    raise AssertionError(f"dagster dev did not load the graph within {seconds} s")
