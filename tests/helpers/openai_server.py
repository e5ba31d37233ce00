"""Server on loopback with the OpenAI protocol and configurable faults."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = tuple[int, bytes] | Callable[[BaseHTTPRequestHandler], None]
Question = dict[str, Any]


def completion(text: object, finish: str = "stop", usage: object = None, **message: object) -> bytes:
    """Body of a chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    tokens = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16} if usage is None else usage
    head = {"id": "1", "object": "chat.completion", "created": 0, "model": "stand-in"}
    return json.dumps({**head, "choices": [choice], "usage": tokens}).encode()


class OpenAIServer:
    """
    Answers from `queue` first, then by `answer`, and stores all requests.

    Args:
        answer: from the request's JSON to the text of the answer.
    """

    def __init__(self, answer: Callable[[Question], str] = lambda question: "-ts_zscore(close, 20)") -> None:
        self.queue: list[Fault] = []
        self.requests: list[Question] = []
        self.keys: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.requests.append(question)
                server.keys.append(str(self.headers["Authorization"]))
                fault = server.queue.pop(0) if server.queue else (200, completion(answer(question)))
                if callable(fault):
                    fault(self)
                else:
                    send(self, *fault)

            def log_message(self, *arguments: object) -> None:
                """No log."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"


@contextmanager
def serving(server: OpenAIServer) -> Iterator[OpenAIServer]:
    """Run the server for the length of the block."""
    threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Send an answer, as HTML if it begins like HTML."""
    handler.send_response(status)
    own = {
        "Content-Type": "text/html" if body.startswith(b"<") else "application/json",
        "Content-Length": str(len(body)),
        "retry-after-ms": "1",
    }
    for name, value in {**own, **(headers or {})}.items():
        if value:
            handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def slow(handler: BaseHTTPRequestHandler) -> None:
    """No answer before the time-out."""
    time.sleep(0.3)
