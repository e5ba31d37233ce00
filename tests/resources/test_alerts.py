"""Delivery of alerts by a webhook and a mail server on loopback, once a day and without errors."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.reporting.alert_texts import Alert
from alpha_pipeline.resources import alerts as module
from alpha_pipeline.resources.alerts import Alerts
from alpha_pipeline.resources.http.retry import RetryPolicy
from alpha_pipeline.settings import load_settings
from tests.helpers.mail_server import Mailbox, mail_server

HOSTILE = Alert("failed check", "<!channel> & <http://evil|click>", ("line\r\nBcc: all@host", "\x1b[0m"), "2019-09-30")
PLAIN = Alert("decay", "one retired", ("detail",), "2019-09-30", "runs/1")
DAY = "2026-11-27"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts with short waits."""
    monkeypatch.setattr(module, "RETRY_POLICY", RetryPolicy(3, 0.01, 0.02, timeout_seconds=0.3))


class Webhook:
    """Answers by `statuses` first, then 200; stores all posts."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.posted = list(statuses), []


@contextmanager
def serving(webhook: Webhook) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(webhook.statuses.pop(0) if webhook.statuses else 200)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None:
            """No log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/SECRET"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def unresponsive() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_webhook_gets_one_escaped_message(tmp_path: Path) -> None:
    """Without mentions, links and entities of untrusted text."""
    webhook = Webhook()
    with serving(webhook) as url:
        assert Alerts(slack_webhook=url, root=str(tmp_path)).send(HOSTILE, today=DAY)
    (posted,) = webhook.posted
    assert posted["text"].splitlines() == [
        "*failed check: &lt;!channel&gt; &amp; &lt;http://evil|click&gt; (2019-09-30)*",
        "line Bcc: all@host",
        "[0m",
    ]
    assert posted["unfurl_links"] is False


def test_a_title_cannot_add_mail_headers(tmp_path: Path) -> None:
    """Line breaks in a title are removed."""
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        alerts = Alerts(mail_to="a@host, b@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        assert alerts.send(Alert("decay", "x\r\nBcc: c@host", ("<b>",)), today=DAY)
    (message,) = mailbox.messages
    assert (message["To"], message["From"], message["Bcc"]) == ("a@host, b@host", "a@host", None)
    assert message["Subject"] == "[alpha_pipeline] decay: x Bcc: c@host"
    assert message.get_content_type() == "text/plain" and "<b>" in message.get_content()


def test_the_link_is_in_the_configured_ui(tmp_path: Path) -> None:
    """Without one there is no link."""
    webhook = Webhook()
    with serving(webhook) as url:
        for ui, day in (("http://ui/", DAY), ("", "2026-11-28")):
            alerts = Alerts(slack_webhook=url, ui_url=ui, root=str(tmp_path))
            assert not alerts.delivered_today(PLAIN, day)
            assert alerts.send(PLAIN, today=day) and alerts.delivered_today(PLAIN, day)
    assert [posted["text"].splitlines()[-1] for posted in webhook.posted] == ["http://ui/runs/1", "detail"]


def test_an_alert_is_delivered_once_a_day(tmp_path: Path) -> None:
    """By every channel and in the log; again on the next day; another alert at once."""
    webhook, lines = Webhook(), []
    with serving(webhook) as url:
        alerts = Alerts(slack_webhook=url, root=str(tmp_path))
        for day, alert in ((DAY, PLAIN), (DAY, PLAIN), (DAY, HOSTILE), ("2026-11-28", PLAIN)):
            assert alerts.send(alert, lines.append, day)
    assert len(webhook.posted) == len(lines) == 3


def test_only_the_failed_channel_is_retried(tmp_path: Path) -> None:
    """Delivered by the webhook but not by mail: the next attempt is by mail only."""
    webhook, mailbox = Webhook(), Mailbox(("550 no",))
    with serving(webhook) as url, mail_server(mailbox) as server:
        alerts = Alerts(slack_webhook=url, mail_to="a@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        lines: list[str] = []
        assert not alerts.send(PLAIN, lines.append, DAY)
        assert any("was not delivered by mail" in line and "550" in line for line in lines)
        assert alerts.send(PLAIN, lines.append, DAY)
    assert (len(webhook.posted), len(mailbox.messages)) == (1, 1)


@pytest.mark.parametrize(
    ("statuses", "posts", "delivered"),
    [((500, 503), 3, True), ((429,), 2, True), ((500, 500, 500), 3, False), ((404,), 1, False), ((302,), 1, False)],
)
def test_a_failing_webhook(tmp_path: Path, statuses: tuple[int, ...], posts: int, delivered: bool) -> None:
    """Temporary faults get three attempts, permanent ones one; no redirect is followed; no secret is logged."""
    webhook, lines = Webhook(*statuses), []
    with serving(webhook) as url:
        assert Alerts(slack_webhook=url, root=str(tmp_path)).send(PLAIN, lines.append, DAY) == delivered
    assert len(webhook.posted) == posts
    assert delivered or f"HTTP {statuses[-1]}" in lines[-1]
    assert "SECRET" not in "".join(lines)


@pytest.mark.parametrize(
    ("refusals", "delivered"),
    [(("451 later", "451 later"), True), (("451 later",) * 3, False), (("554 never",), False)],
)
def test_a_failing_mail_server(tmp_path: Path, refusals: tuple[str, ...], delivered: bool) -> None:
    """4xx is retried, 5xx is not."""
    mailbox = Mailbox(refusals)
    with mail_server(mailbox) as server:
        alerts = Alerts(mail_to="a@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        assert alerts.send(PLAIN, today=DAY) == delivered
    assert len(mailbox.messages) == delivered
    assert not mailbox.refusals


@pytest.mark.parametrize("password", ["right", "wrong-SECRET"])
def test_the_password_is_used_and_never_shown(tmp_path: Path, password: str) -> None:
    """Neither in the log nor in the lake."""
    mailbox, lines = Mailbox(), []
    with mail_server(mailbox, password=True) as server:
        settings = {"mail_to": "a@host", "mail_server": server, "mail_user": "me", "mail_password": password}
        alerts = Alerts(**settings, mail_tls="none", root=str(tmp_path))
        assert alerts.send(PLAIN, lines.append, DAY) == (password == "right")
    assert mailbox.logins[0] == (b"me", password.encode())
    stored = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert "SECRET" not in "".join(lines) + stored


def test_without_starttls_no_mail_is_sent(tmp_path: Path) -> None:
    """STARTTLS is the default; a server without it gets no mail."""
    mailbox, lines = Mailbox(), []
    with mail_server(mailbox) as server:
        assert not Alerts(mail_to="a@host", mail_server=server, root=str(tmp_path)).send(PLAIN, lines.append, DAY)
    assert not mailbox.messages and "does not offer" in lines[-1]


def test_unresponsive_and_closed_ports_time_out(tmp_path: Path) -> None:
    """The failure is logged, not raised."""
    lines: list[str] = []
    with unresponsive() as port:
        for settings in (
            {"slack_webhook": f"http://127.0.0.1:{port}/SECRET"},
            {"mail_to": "a@host", "mail_server": f"127.0.0.1:{port}", "mail_tls": "none"},
        ):
            assert not Alerts(**settings, root=str(tmp_path)).send(PLAIN, lines.append, DAY)
    closed = Alerts(slack_webhook=f"http://127.0.0.1:{port}/SECRET", root=str(tmp_path))
    assert not closed.send(HOSTILE, lines.append, DAY)
    log = "\n".join(lines)
    assert "no answer in time" in log and "not reachable" in log and "tried 3 times" in log and "SECRET" not in log


def test_a_missing_channel_is_logged_once(tmp_path: Path) -> None:
    """Both alerts are logged; the missing channel is logged with the first."""
    lines: list[str] = []
    assert all(Alerts(root=str(tmp_path)).send(alert, lines.append, DAY) for alert in (PLAIN, HOSTILE))
    assert [line.partition(":")[0] for line in lines] == [
        "ALERT decay",
        "alerts are written to this log only (logged once a day)",
        "ALERT failed check",
    ]


def test_an_unwritable_lake_is_logged(tmp_path: Path) -> None:
    """No error is raised."""
    (tmp_path / "alerts").write_text("a file where the folder should be")
    lines: list[str] = []
    assert not Alerts(root=str(tmp_path)).send(PLAIN, lines.append, DAY)
    assert "could not be stored" in lines[-1]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SLACK_WEBHOOK", "hooks/SECRET", "expected an address"),
        ("MAIL_TO", "a@host\nBcc: b@host", "MAIL_TO is"),
        ("MAIL_TO", "nobody", "MAIL_TO is .*nobody"),
        ("MAIL_FROM", "x", "MAIL_FROM is 'x'"),
        ("MAIL_TLS", "maybe", "expected one of starttls, tls, none"),
        ("MAIL_SERVER", "host:smtp", "expected host or host:port"),
    ],
)
def test_invalid_settings_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    """When the graph is loaded; secrets are not shown."""
    monkeypatch.setenv(f"ALPHA_PIPELINE_ALERTS__{name}", value)
    with pytest.raises(SettingError, match=message) as caught:
        Alerts.of(load_settings().alerts, load_settings().lake)
    assert "SECRET" not in str(caught.value)


def test_secrets_are_read_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource page shows the variable, not its value."""
    monkeypatch.setenv("ALPHA_PIPELINE_ALERTS__SLACK_WEBHOOK", "https://hooks/SECRET")
    monkeypatch.setenv("ALPHA_PIPELINE_ALERTS__MAIL_PASSWORD", "SECRET")
    assert "SECRET" not in repr(Alerts.of(load_settings().alerts, load_settings().lake))
