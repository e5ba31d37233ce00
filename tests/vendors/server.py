"""
The server: each vendor below a folder of its name, and `/control`, where faults are ordered and requests counted.

What the vendors say is in their own files.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import bybit, chains, coinmetrics, press, yahoo
from .world import Question, Vendor, World

VENDORS: dict[str, Vendor] = {
    "bybit": bybit.answer,
    "yahoo": yahoo.answer,
    "coinmetrics": coinmetrics.answer,
    "llama": chains.llama,
    "stablecoins": chains.stablecoins,
    "blockchain": chains.blockchain,
    "mempool": chains.mempool,
    "feed": press.feed,
    "gdelt": press.gdelt,
    "hackernews": press.hackernews,
    "reddit": press.reddit,
}
SPOIL: dict[str, Callable[[Any], Any]] = {"bybit": bybit.spoilt, "yahoo": yahoo.spoilt}
EMPTY: dict[str, Any] = {
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"list": []}, "time": 0},
    "yahoo": {"chart": {"result": [], "error": None}},
    "coinmetrics": {"data": []},
    "blockchain": {"values": []},
    "hackernews": {"hits": [], "nbHits": 0, "nbPages": 0},
    "gdelt": {},
    "llama": [],
    "stablecoins": [],
    "mempool": [],
}
PAGE = b"<html><body>Please log in to the hotel network</body></html>"
SLOW_SECONDS = 0.3
FAULTS = ("429", "403", "500", "truncate", "html", "empty", "schema", "bad", "slow", "gone")


@dataclass
class Order:
    """Faults for the answers below a path, in turn; so many more of them, for ever when negative."""

    path: str
    faults: tuple[str, ...]
    left: int
    used: int = 0


class Control:
    """What was ordered and what was asked; one lock for all threads."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.orders: list[Order] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()

    def told(self) -> dict[str, Any]:
        """Requests so far, in order and by vendor."""
        with self.lock:
            names = [path.split("/")[1] for path, _ in self.asked]
            counts = {name: names.count(name) for name in VENDORS}
            return {"total": len(names), "vendors": counts, "asked": list(self.asked)}

    def order(self, wish: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Take an order: faults of a path, a revised value, or to forget what was ordered and counted."""
        with self.lock:
            if wish.get("reset"):
                self.orders.clear()
                self.asked.clear()
                self.world.revised.clear()
            if "revise" in wish:
                new = wish["revise"]
                self.world.revised[new["asset"], new["day"], new["metric"]] = str(new["value"])
            if "faults" in wish:
                faults = tuple(map(str, wish["faults"]))
                if not faults or not set(faults) <= set(FAULTS):
                    return 400, {"error": f"faults are {list(faults)}; expected some of {list(FAULTS)}"}
                self.orders.append(Order(wish["path"], faults, int(wish.get("times", len(faults)))))
        return 200, {"orders": len(self.orders), "revised": len(self.world.revised)}

    def fault(self, path: str, query: dict[str, str]) -> str:
        """Count a request; the fault ordered for its answer, or none."""
        with self.lock:
            self.asked.append((path, query))
            for order in self.orders:
                if path.startswith(order.path) and order.left:
                    order.left -= 1
                    order.used += 1
                    return order.faults[(order.used - 1) % len(order.faults)]
        return ""


def serve(world: World, port: int = 0) -> ThreadingHTTPServer:
    """A server on loopback that has its port and does not answer yet; `serve_forever` does."""
    control = Control(world)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.reply(b"")

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def reply(self, posted: bytes) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/control":
                status, body = (200, control.told()) if self.command == "GET" else control.order(json.loads(posted))
                return self.send(status, json.dumps(body).encode())
            query = dict(parse_qsl(parts.query))
            fault = control.fault(parts.path, query)
            vendor, _, rest = parts.path.removeprefix("/").partition("/")
            if vendor not in VENDORS:
                return self.send(404, json.dumps({"error": f"no vendor {vendor!r}"}).encode())
            if fault == "gone":
                self.close_connection = True
                return None
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            if fault in ("429", "403", "500"):
                return self.send(int(fault), json.dumps({"error": fault}).encode())
            status, content = _content(world, vendor, Question(f"/{rest}", query, posted), fault)
            return self.send(status, content, fault == "truncate")

        def send(self, status: int, content: bytes, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.close_connection = self.close_connection or cut
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *args: object) -> None:
            pass  # a client that went away is part of the tests

    return Server(("127.0.0.1", port), Handler)


def _content(world: World, vendor: str, question: Question, fault: str) -> tuple[int, bytes]:
    """Status and bytes of an answer, as the fault makes them."""
    if fault == "html":
        return 200, PAGE
    if fault == "schema":
        return 200, json.dumps({"version": 99, "payload": []}).encode()
    if fault == "empty":
        return 200, json.dumps(EMPTY[vendor]).encode() if vendor in EMPTY else b""
    body = VENDORS[vendor](world, question)
    status, body = body if isinstance(body, tuple) else (200, body)
    if fault == "bad" and vendor in SPOIL:
        body = SPOIL[vendor](body)
    return status, body if isinstance(body, bytes) else json.dumps(body).encode()
