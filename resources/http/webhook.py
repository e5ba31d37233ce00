"""
Signal webhook: POST of a JSON document with retries, without showing the address anywhere.

What is sent, and when, is decided in `alpha_pipeline.assets.export`.
"""

import threading
import urllib.error
import urllib.request
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from alpha_pipeline.errors import SettingError
from alpha_pipeline.resources.configuration import AT_RUN_TIME, Resource, described
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.secrets import secret
from alpha_pipeline.settings import ExportSettings, variable_of

URL_VARIABLE = variable_of("export", "webhook")
AGENT = "alpha-pipeline"
RETRY_POLICY = RetryPolicy(attempts=3, wait_seconds=1.0, longest_wait_seconds=10.0, timeout_seconds=10.0)


class SignalWebhook(Resource):
    """Posts JSON to one address, which may contain a secret and is in no message."""

    url: str = described(ExportSettings, "webhook", "http or https; empty: nothing is sent; " + AT_RUN_TIME)
    attempts: int = Field(
        default=RETRY_POLICY.attempts,
        ge=1,
        description="Attempts in all; HTTP 5xx, 408, 429 and no answer are tried again.",
    )
    wait_seconds: float = Field(
        default=RETRY_POLICY.wait_seconds, ge=0, description="Seconds before the second attempt, doubling."
    )
    timeout_seconds: float = Field(
        default=RETRY_POLICY.timeout_seconds,
        gt=0,
        description="Seconds of one attempt, from the DNS lookup to the end of the answer.",
    )

    @classmethod
    def of(cls, settings: ExportSettings) -> "SignalWebhook":
        """The configured address, read when a run starts and stored nowhere."""
        return cls(url=secret(settings.webhook, "export", "webhook"))

    def send(self, body: bytes, key: str) -> int | None:
        """
        POST a JSON document.

        Args:
            body: UTF-8.
            key: the header `Idempotency-Key`; the receiver may ignore a second delivery with the same key.

        Returns:
            The HTTP status, 2xx; None when there is no address.

        Raises:
            SettingError: the address is no http or https URL.
            SourceError: refused, redirected, or no answer after all attempts.
        """
        if not self.url:
            return None
        request = _request(self.url, body, key)
        policy = RetryPolicy(self.attempts, self.wait_seconds, RETRY_POLICY.longest_wait_seconds, self.timeout_seconds)
        return with_retry(partial(_in_time, request, self.timeout_seconds), policy, "the signal webhook")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the signal is for the configured address only."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        return None


def _request(url: str, body: bytes, key: str) -> urllib.request.Request:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": AGENT}
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return urllib.request.Request(url, data=body, headers=headers, method="POST")
    except ValueError:
        pass  # the parser's error would show the address
    raise SettingError(f"{URL_VARIABLE} is no address; expected http://... or https://... (it is not shown here)")


def _in_time(request: urllib.request.Request, timeout_seconds: float) -> int:
    """`_post` within a deadline: a socket's time-out starts again with every byte received."""
    results: list[int | AttemptFailedError] = []

    def post() -> None:
        try:
            results.append(_post(request, timeout_seconds))
        except AttemptFailedError as failure:
            results.append(failure)

    worker = threading.Thread(target=post, daemon=True)
    worker.start()
    worker.join(timeout_seconds)
    answer = results[0] if results else AttemptFailedError("no answer in time", retryable=True)
    if isinstance(answer, AttemptFailedError):
        raise answer
    return answer


def _post(request: urllib.request.Request, timeout_seconds: float) -> int:
    # Not `HttpClient`: its debug log shows every path, and the path of a webhook may be the secret.
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_seconds) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
        redirect = ": redirect refused, the signal is for this address only" if 300 <= status < 400 else ""
        raise AttemptFailedError(f"HTTP {status}{redirect}", status in (408, 429) or status >= 500) from None
    except TimeoutError:
        raise AttemptFailedError("no answer in time", retryable=True) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        late = isinstance(reason, TimeoutError)
        message = "no answer in time" if late else f"not reachable: {type(reason).__name__}"
        raise AttemptFailedError(message, retryable=True) from None
    except Exception as error:  # the library's errors for answers that are no HTTP and for odd addresses
        raise AttemptFailedError(f"unreadable answer: {type(error).__name__}", retryable=False) from None
