"""
Plain HTTP for vendors without a client of their own: paced, patient, and never silent about what came instead.

What an answer means is its door's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from alpha_pipeline.errors import SourceError
from resources.pace import Pace
from resources.patience import Patience, RefusedError, insist

AGENT = "alpha-pipeline (research; one request at a time)"
LARGEST_BYTES = 200_000_000


@dataclass(frozen=True)
class Web:
    """
    One vendor's address.

    Args:
        base: what every path is put behind; a stand-in on loopback serves as well.
        pace: the most it is asked.
        patience: tries, waits and the time-out.
        headers: sent with every request, after ours; keys of vendors stand here and never in an address.
    """

    base: str
    pace: Pace
    patience: Patience = field(default_factory=Patience)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def json(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """
        The answer of GET `base + path` as JSON.

        Raises:
            SourceError: unreachable, refused, too long in coming, cut short, or no JSON; after all tries.
        """
        return insist(partial(self._once, path, query, True), self.patience, self.address(path))

    def content(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """The answer as bytes; errors as `json`."""
        return insist(partial(self._once, path, query, False), self.patience, self.address(path))

    def address(self, path: str) -> str:
        """Where a path leads, for messages."""
        return self.base.rstrip("/") + path

    def _once(self, path: str, query: Mapping[str, object] | None, as_json: bool) -> Any:
        import requests  # paid by live runs only

        self.pace.wait()
        asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
        try:
            response = requests.get(
                self.address(path),
                params=asked,
                headers={"User-Agent": AGENT, **self.headers},
                timeout=self.patience.timeout_seconds,
            )
        except requests.Timeout as error:
            raise RefusedError("no answer in time", again=True) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise RefusedError("the answer was cut short", again=True) from error
        except requests.RequestException as error:
            raise RefusedError(f"not reachable: {type(error).__name__}", again=True) from error
        if response.status_code != 200:
            raise _refused(response)
        if len(response.content) > LARGEST_BYTES:
            raise RefusedError(f"an answer of {len(response.content):,} bytes", again=False)
        if not as_json:
            return response.content
        try:
            return response.json()
        except ValueError as error:
            told = response.text[:120].strip()
            raise RefusedError(f"the answer is no JSON (cut short, or a page in between): {told!r}", True) from error


def _refused(response: Any) -> RefusedError:
    wait = response.headers.get("Retry-After", "")
    again = response.status_code == 429 or response.status_code >= 500
    told = response.text[:120].strip()
    return RefusedError(f"HTTP {response.status_code} {told!r}", again, float(wait) if wait.isdigit() else None)


def rows_of(answer: Any, key: str, asked: str) -> list[Any]:
    """The list under `key` of a JSON answer; SourceError that shows what came when there is none."""
    rows = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise SourceError(f"{asked}: expected an object with a list {key!r}; found {str(answer)[:200]}")
    return rows
