"""
Delivery of alerts: a Slack-compatible webhook, mail, both, or the log alone.

What deserves an alert is decided in `reporting.alert_texts`. A failed delivery is logged and never an error,
since no computation depends on it.
"""

import json
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Literal

from alpha_pipeline.errors import AlphaError, LakeError, SourceError
from alpha_pipeline.reporting.alert_texts import Alert
from alpha_pipeline.resources.configuration import AT_RUN_TIME, COMMAS, Resource, described
from alpha_pipeline.resources.http.retry import AttemptFailedError, RetryPolicy, with_retry
from alpha_pipeline.resources.lake.lake import Lake
from alpha_pipeline.resources.secrets import secret
from alpha_pipeline.settings import AlertSettings, LakeSettings

# A sensor has one minute: three attempts of five seconds per channel.
RETRY_POLICY = RetryPolicy(attempts=3, wait_seconds=0.5, longest_wait_seconds=2.0, timeout_seconds=5.0)
NO_CHANNEL = (
    "alerts are written to this log only (logged once a day): neither ALPHA_PIPELINE_ALERTS__SLACK_WEBHOOK nor "
    "ALPHA_PIPELINE_ALERTS__MAIL_TO is set"
)
SLACK_MARKS = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


class Alerts(Resource):
    """Channels of alerts; the lake stores delivered ones, so that none is delivered twice a day."""

    slack_webhook: str = described(AlertSettings, "slack_webhook", AT_RUN_TIME)
    mail_to: str = described(AlertSettings, "mail_to", COMMAS)
    mail_from: str = described(AlertSettings, "mail_from")
    mail_server: str = described(AlertSettings, "mail_server")
    mail_user: str = described(AlertSettings, "mail_user")
    mail_password: str = described(AlertSettings, "mail_password", AT_RUN_TIME)
    mail_tls: Literal["starttls", "tls", "none"] = described(AlertSettings, "mail_tls")
    ui_url: str = described(AlertSettings, "ui_url")
    root: str = described(LakeSettings, "root", "delivered alerts are stored in its folder `alerts`")

    @classmethod
    def of(cls, settings: AlertSettings, lake: LakeSettings) -> "Alerts":
        """The configured channels; webhook and password are read at run time."""
        return cls(
            slack_webhook=secret(settings.slack_webhook, "alerts", "slack_webhook"),
            mail_to=",".join(settings.mail_to),
            mail_from=settings.mail_from,
            mail_server=settings.mail_server,
            mail_user=settings.mail_user,
            mail_password=secret(settings.mail_password, "alerts", "mail_password"),
            mail_tls=settings.mail_tls,
            ui_url=settings.ui_url,
            root=lake.root,
        )

    def send(self, alert: Alert, log: Callable[[str], None] = lambda line: None, today: str = "") -> bool:
        """
        Deliver an alert by every configured channel that has not delivered it today; never raises AlphaError.

        Args:
            alert: the message.
            log: receives the alert once, and failures, without secrets.
            today: ISO day of the delivery; today when empty.

        Returns:
            Whether nothing is left to deliver.
        """
        try:
            return self._send(alert, log, today or _today())
        except AlphaError as error:
            log(f"the alert {alert.kind!r} could not be stored: {error}")
            return False

    def delivered_today(self, alert: Alert, today: str = "") -> bool:
        """Whether an alert was delivered by all channels on a day; today when empty."""
        path = _path(alert, today or _today())
        try:
            delivered = _delivered(Lake(self.root), path)
        except AlphaError:
            return False
        return delivered is not None and set(delivered) >= self._channels().keys()

    def _send(self, alert: Alert, log: Callable[[str], None], today: str) -> bool:
        lake, path = Lake(self.root), _path(alert, today)
        alert = replace(alert, link=self._address(alert.link))
        delivered = _delivered(lake, path)
        if delivered is None:
            log("ALERT " + " | ".join(alert.text()))
        channels = self._channels()
        done = set(delivered or ())
        for name, deliver in channels.items():
            if name in done:
                continue
            try:
                deliver(alert)
                done.add(name)
            except SourceError as error:
                log(f"the alert was not delivered by {name}: {error}")
        if delivered is None or done != set(delivered):
            record = {"alert": alert.text(), "delivered": sorted(done)}
            lake.atomic_write(path, json.dumps(record, indent=1).encode())
        if not channels and not lake.exists(f"alerts/{today}/no-channel"):
            log(NO_CHANNEL)
            lake.atomic_write(f"alerts/{today}/no-channel", NO_CHANNEL.encode())
        return done >= set(channels)

    def _channels(self) -> dict[str, Callable[[Alert], None]]:
        every = {"slack": (self.slack_webhook, self._slack), "mail": (self.mail_to, self._mail)}
        return {name: deliver for name, (address, deliver) in every.items() if address}

    def _address(self, link: str) -> str:
        return f"{self.ui_url.rstrip('/')}/{link}" if self.ui_url and link else ""

    def _receivers(self) -> list[str]:
        return [address.strip() for address in self.mail_to.split(",") if address.strip()]

    def _slack(self, alert: Alert) -> None:
        title, *lines = [line.translate(SLACK_MARKS) for line in alert.text()]
        body: dict[str, str | bool] = {
            "text": "\n".join([f"*{title}*", *lines]),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        with_retry(lambda: _post(self.slack_webhook, body), RETRY_POLICY, "the webhook")

    def _mail(self, alert: Alert) -> None:
        title, *lines = alert.text()
        message = EmailMessage()
        message["Subject"], message["To"] = f"[alpha_pipeline] {title}", ", ".join(self._receivers())
        message["From"] = self.mail_from or self._receivers()[0]
        message.set_content("\n".join([title, "", *lines]) + "\n")
        with_retry(lambda: self._hand_over(message), RETRY_POLICY, f"the mail server {self.mail_server}")

    def _hand_over(self, message: EmailMessage) -> None:
        host, _, port = self.mail_server.partition(":")
        implicit, limit, trust = self.mail_tls == "tls", RETRY_POLICY.timeout_seconds, ssl.create_default_context()
        number = int(port) if port else 465 if implicit else 587
        try:
            with (
                smtplib.SMTP_SSL(host, number, timeout=limit, context=trust)
                if implicit
                else smtplib.SMTP(host, number, timeout=limit)
            ) as server:
                if self.mail_tls == "starttls":
                    server.starttls(context=trust)
                if self.mail_user:
                    server.login(self.mail_user, self.mail_password)
                server.send_message(message)
        except smtplib.SMTPResponseException as error:  # 4xx is temporary; the server's message may contain a password
            raise AttemptFailedError(f"answered {error.smtp_code}", 400 <= error.smtp_code < 500) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise AttemptFailedError(
                f"refused the receivers: {codes}", all(400 <= code < 500 for code in codes)
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise AttemptFailedError(
                "does not offer what ALPHA_PIPELINE_ALERTS__MAIL_TLS or __MAIL_USER ask for", retryable=False
            ) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise AttemptFailedError(
                f"not reachable: {type(error).__name__}", retryable=isinstance(error, OSError)
            ) from None


def _post(webhook: str, body: dict[str, str | bool]) -> None:
    import requests  # a slow import, needed for alerts only

    try:
        with requests.post(
            webhook, json=body, timeout=RETRY_POLICY.timeout_seconds, allow_redirects=False, stream=True
        ) as response:
            status = response.status_code
    except requests.Timeout:
        raise AttemptFailedError("no answer in time", retryable=True) from None
    except (requests.RequestException, ValueError) as error:  # its message would show the address
        raise AttemptFailedError(f"not reachable: {type(error).__name__}", retryable=True) from None
    if not 200 <= status < 300:
        raise AttemptFailedError(f"answered HTTP {status}", retryable=status in (408, 429) or status >= 500)


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def _path(alert: Alert, today: str) -> str:
    return f"alerts/{today}/{alert.digest}.json"


def _delivered(lake: Lake, path: str) -> list[str] | None:
    """Channels that delivered it today; None for a new alert or an unreadable file."""
    try:
        return list(json.loads(lake.read_bytes(path))["delivered"]) if lake.exists(path) else None
    except (LakeError, ValueError, KeyError, TypeError):
        return None
