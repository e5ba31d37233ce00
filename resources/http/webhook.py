"""
The signal's way out over HTTP: one POST, tried a few times, its address never told.

What is sent, and when, is `assets.export`'s business.
"""

import os
import threading
import urllib.error
import urllib.request
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from alpha_pipeline.errors import SettingError
from resources.http.retry import AttemptFailedError, RetryPolicy, with_retry

URL_VARIABLE = "ALPHA_PIPELINE_SIGNAL_WEBHOOK"
AGENT = "alpha-pipeline"
PATIENCE = RetryPolicy(attempts=3, wait_seconds=1.0, longest_wait_seconds=10.0, timeout_seconds=10.0)


class SignalWebhook(dg.ConfigurableResource):
    """
    Posts JSON to one address.

    Args:
        url: http or https; may hold a secret, hence no message ever shows it. Empty: nothing is sent.
        attempts: tries in all, of which those answered with 5xx, 408, 429 or nothing are followed by another.
        wait_seconds: before the second try, doubling.
        timeout_seconds: for one try, from looking up the host to the whole answer.
    """

    url: str = ""
    attempts: int = PATIENCE.attempts
    wait_seconds: float = PATIENCE.wait_seconds
    timeout_seconds: float = PATIENCE.timeout_seconds

    @classmethod
    def from_environment(cls) -> "SignalWebhook":
        """The address in `ALPHA_PIPELINE_SIGNAL_WEBHOOK`, read when a run starts and stored nowhere."""
        return cls(url=dg.EnvVar(URL_VARIABLE) if os.environ.get(URL_VARIABLE) else "")

    def send(self, body: bytes, key: str) -> int | None:
        """
        POST a JSON document.

        Args:
            body: UTF-8.
            key: the header `Idempotency-Key`; equal keys are one delivery, which the receiver may take once.

        Returns:
            The HTTP status, 2xx; None when there is no address.

        Raises:
            SettingError: the address is no http or https URL.
            SourceError: refused, redirected, or no answer after all tries.
        """
        if not self.url:
            return None
        request = _request(self.url, body, key)
        patience = RetryPolicy(self.attempts, self.wait_seconds, PATIENCE.longest_wait_seconds, self.timeout_seconds)
        return with_retry(partial(_in_time, request, self.timeout_seconds), patience, "the signal webhook")


class _Stay(urllib.request.HTTPRedirectHandler):
    """A signal is for one address; wherever that sends us is another."""

    def redirect_request(self, *told: Any, **more: Any) -> None:
        return None


def _request(url: str, body: bytes, key: str) -> urllib.request.Request:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": AGENT}
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return urllib.request.Request(url, data=body, headers=headers, method="POST")
    except ValueError:
        pass  # the parser's own words would show the address
    raise SettingError(f"{URL_VARIABLE} is no address; expected http://... or https://... (it is not shown here)")


def _in_time(request: urllib.request.Request, timeout_seconds: float) -> int:
    """`_once`, and not a moment longer: a socket's limit begins anew with every byte that drips in."""
    found: list[int | AttemptFailedError] = []

    def ask() -> None:
        try:
            found.append(_once(request, timeout_seconds))
        except AttemptFailedError as refused:
            found.append(refused)

    worker = threading.Thread(target=ask, daemon=True)
    worker.start()
    worker.join(timeout_seconds)
    answer = found[0] if found else AttemptFailedError("no answer in time", again=True)
    if isinstance(answer, AttemptFailedError):
        raise answer
    return answer


def _once(request: urllib.request.Request, timeout_seconds: float) -> int:
    # Not the client the vendors are asked with: its debug log tells every path, and here the path may be the secret.
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=timeout_seconds) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
        sent_on = ": sent elsewhere, where the signal must not go" if 300 <= status < 400 else ""
        raise AttemptFailedError(f"HTTP {status}{sent_on}", status in (408, 429) or status >= 500) from None
    except TimeoutError:
        raise AttemptFailedError("no answer in time", again=True) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        late = isinstance(reason, TimeoutError)
        told = "no answer in time" if late else f"not reachable: {type(reason).__name__}"
        raise AttemptFailedError(told, again=True) from None
    except Exception as error:  # whatever the client makes of an answer that is no HTTP, or of an odd address
        raise AttemptFailedError(f"no answer one can read: {type(error).__name__}", again=False) from None
