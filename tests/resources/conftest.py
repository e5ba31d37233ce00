"""A real HTTP server on loopback that stands in for a vendor, with a queue of faults."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

Answer = Callable[[str, dict[str, str]], object]


class StandIn:
    """
    Serves `answer(path, query)` as JSON; the next entry of `faults` takes its place.

    Faults: "429", "403", "500" (that status), "html", "truncate", "slow", "list" (JSON that is no object), "ok" (none),
    or any object, which is sent as JSON instead of the answer. A pair (status, object) sends both. Bytes go out as they
    are. What was posted, and the headers of every request, are kept beside `requests`.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.faults: deque[object] = deque()
        self.faulty_path = ""
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.posted: list[bytes] = []
        self.told: list[dict[str, str]] = []
        self.release = threading.Event()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.serve(self)

            def do_POST(self) -> None:
                stand_in.posted.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                stand_in.serve(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                pass  # a client that went away is part of the tests

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, or break it as the queue says."""
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query))
        self.requests.append((parts.path, query))
        self.told.append(dict(handler.headers.items()))
        fault = self.faults.popleft() if self.faults and self.faulty_path in parts.path else "ok"
        if fault == "slow":
            self.release.wait(5)
        status, body = 200, self.answer(parts.path, query) if fault in ("ok", "truncate", "slow") else fault
        if isinstance(fault, tuple):
            status, body = fault
        elif fault in ("429", "403", "500"):
            status = int(str(fault))
        if isinstance(body, tuple):
            status, body = body
        content = body if isinstance(body, bytes) else json.dumps([1] if fault == "list" else body).encode()
        if fault == "html":
            content = b"<html><body>Please log in to the hotel network</body></html>"
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2] if fault == "truncate" else content)

    def close(self) -> None:
        """Stop serving and free the port."""
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def stand_in() -> Iterator[Callable[[Answer], StandIn]]:
    """Start stand-ins; all are stopped at the end of the test."""
    started: list[StandIn] = []

    def start(answer: Answer) -> StandIn:
        started.append(StandIn(answer))
        return started[-1]

    yield start
    for server in started:
        server.close()
