"""Alerts leave through a real webhook and a real mail server, once a day, and never break what sent them."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alpha_pipeline.errors import SettingError
from alpha_pipeline.reporting.alerts import Alert
from resources import alerts as door
from resources.alerts import Alerts
from resources.http.retry import RetryPolicy
from tests.helpers.mail_server import Mailbox, mail_server

HOSTILE = Alert("failed check", "<!channel> & <http://evil|click>", ("line\r\nBcc: all@host", "\x1b[0m"), "2019-09-30")
PLAIN = Alert("decay", "one retired", ("detail",), "2019-09-30", "runs/1")
DAY = "2026-11-27"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, but nobody waits a second."""
    monkeypatch.setattr(door, "PATIENCE", RetryPolicy(3, 0.01, 0.02, timeout_seconds=0.3))


class Webhook:
    """Answers by `statuses` first, then 200; keeps what was posted."""

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
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/SECRET"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_webhook_gets_one_escaped_message(tmp_path: Path) -> None:
    """No mention, no link and no entity of untrusted text survives."""
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


def test_the_mail_has_no_header_of_others(tmp_path: Path) -> None:
    """Line breaks in a title end nowhere near a header."""
    mailbox = Mailbox()
    with mail_server(mailbox) as server:
        alerts = Alerts(mail_to="a@host, b@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        assert alerts.send(Alert("decay", "x\r\nBcc: c@host", ("<b>",)), today=DAY)
    (message,) = mailbox.messages
    assert (message["To"], message["From"], message["Bcc"]) == ("a@host, b@host", "a@host", None)
    assert message["Subject"] == "[alpha_pipeline] decay: x Bcc: c@host"
    assert message.get_content_type() == "text/plain" and "<b>" in message.get_content()


def test_a_link_leads_to_the_ui_that_is_set(tmp_path: Path) -> None:
    """And nowhere when none is."""
    webhook = Webhook()
    with serving(webhook) as url:
        for ui, day in (("http://ui/", DAY), ("", "2026-11-28")):
            alerts = Alerts(slack_webhook=url, ui_url=ui, root=str(tmp_path))
            assert not alerts.told_today(PLAIN, day) and alerts.send(PLAIN, today=day) and alerts.told_today(PLAIN, day)
    assert [posted["text"].splitlines()[-1] for posted in webhook.posted] == ["http://ui/runs/1", "detail"]


def test_what_was_told_today_is_not_told_again(tmp_path: Path) -> None:
    """By every channel once a day, in the log once; tomorrow anew; another alert at once."""
    webhook, said = Webhook(), []
    with serving(webhook) as url:
        alerts = Alerts(slack_webhook=url, root=str(tmp_path))
        for day, alert in ((DAY, PLAIN), (DAY, PLAIN), (DAY, HOSTILE), ("2026-11-28", PLAIN)):
            assert alerts.send(alert, said.append, day)
    assert len(webhook.posted) == len(said) == 3


def test_only_the_channel_that_failed_is_tried_again(tmp_path: Path) -> None:
    """The webhook took it, the mail server did not: the next try is by mail alone."""
    webhook, mailbox = Webhook(), Mailbox(("550 no",))
    with serving(webhook) as url, mail_server(mailbox) as server:
        alerts = Alerts(slack_webhook=url, mail_to="a@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        said: list[str] = []
        assert not alerts.send(PLAIN, said.append, DAY)
        assert any("did not leave by mail" in line and "550" in line for line in said)
        assert alerts.send(PLAIN, said.append, DAY)
    assert (len(webhook.posted), len(mailbox.messages)) == (1, 1)


@pytest.mark.parametrize(
    ("statuses", "posts", "delivered"),
    [((500, 503), 3, True), ((429,), 2, True), ((500, 500, 500), 3, False), ((404,), 1, False), ((302,), 1, False)],
)
def test_a_webhook_that_refuses(tmp_path: Path, statuses: tuple[int, ...], posts: int, delivered: bool) -> None:
    """What may pass is tried three times, what will not once; a redirection is not followed. No secret in the log."""
    webhook, said = Webhook(*statuses), []
    with serving(webhook) as url:
        assert Alerts(slack_webhook=url, root=str(tmp_path)).send(PLAIN, said.append, DAY) == delivered
    assert len(webhook.posted) == posts
    assert delivered or f"HTTP {statuses[-1]}" in said[-1]
    assert "SECRET" not in "".join(said)


@pytest.mark.parametrize(
    ("refusals", "delivered"),
    [(("451 later", "451 later"), True), (("451 later",) * 3, False), (("554 never",), False)],
)
def test_a_mail_server_that_refuses(tmp_path: Path, refusals: tuple[str, ...], delivered: bool) -> None:
    """4xx is tried again, 5xx is not."""
    mailbox = Mailbox(refusals)
    with mail_server(mailbox) as server:
        alerts = Alerts(mail_to="a@host", mail_server=server, mail_tls="none", root=str(tmp_path))
        assert alerts.send(PLAIN, today=DAY) == delivered
    assert len(mailbox.messages) == delivered
    assert not mailbox.refusals


@pytest.mark.parametrize("password", ["right", "wrong-SECRET"])
def test_a_password_is_used_and_never_told(tmp_path: Path, password: str) -> None:
    """Right or wrong, it is in no line of the log and not in the lake."""
    mailbox, said = Mailbox(), []
    with mail_server(mailbox, password=True) as server:
        settings = {"mail_to": "a@host", "mail_server": server, "mail_user": "me", "mail_password": password}
        alerts = Alerts(**settings, mail_tls="none", root=str(tmp_path))
        assert alerts.send(PLAIN, said.append, DAY) == (password == "right")
    assert mailbox.logins[0] == (b"me", password.encode())
    kept = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    assert "SECRET" not in "".join(said) + kept


def test_encryption_that_is_not_offered_is_not_done_without(tmp_path: Path) -> None:
    """The default asks for STARTTLS; a server without it gets no mail."""
    mailbox, said = Mailbox(), []
    with mail_server(mailbox) as server:
        assert not Alerts(mail_to="a@host", mail_server=server, root=str(tmp_path)).send(PLAIN, said.append, DAY)
    assert not mailbox.messages and "does not offer" in said[-1]


def test_silence_and_absence_end_in_time(tmp_path: Path) -> None:
    """A server that hangs and a port that nobody serves: told, not raised."""
    said: list[str] = []
    with silent() as port:
        for settings in (
            {"slack_webhook": f"http://127.0.0.1:{port}/SECRET"},
            {"mail_to": "a@host", "mail_server": f"127.0.0.1:{port}", "mail_tls": "none"},
        ):
            assert not Alerts(**settings, root=str(tmp_path)).send(PLAIN, said.append, DAY)
    gone = Alerts(slack_webhook=f"http://127.0.0.1:{port}/SECRET", root=str(tmp_path))
    assert not gone.send(HOSTILE, said.append, DAY)
    told = "\n".join(said)
    assert "no answer in time" in told and "not reachable" in told and "tried 3 times" in told and "SECRET" not in told


def test_without_a_channel_the_log_says_so_once(tmp_path: Path) -> None:
    """Both alerts stand in the log; the missing channel is named with the first."""
    said: list[str] = []
    assert all(Alerts(root=str(tmp_path)).send(alert, said.append, DAY) for alert in (PLAIN, HOSTILE))
    assert [line.partition(":")[0] for line in said] == [
        "ALERT decay",
        "alerts stand in this log alone, which is said once a day",
        "ALERT failed check",
    ]


def test_a_lake_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Not an error: an alert never fails a run date."""
    (tmp_path / "alerts").write_text("a file where the folder should be")
    said: list[str] = []
    assert not Alerts(root=str(tmp_path)).send(PLAIN, said.append, DAY)
    assert "could not be kept" in said[-1]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SLACK_WEBHOOK", "hooks/SECRET", "is no address"),
        ("MAIL_TO", "a@host\nBcc: b@host", "MAIL_TO is"),
        ("MAIL_TO", "nobody", "MAIL_TO is 'nobody'"),
        ("MAIL_FROM", "x", "MAIL_FROM is 'x'"),
        ("MAIL_TLS", "maybe", "expected one of starttls, tls, none"),
        ("MAIL_SERVER", "host:smtp", "expected host or host:port"),
    ],
)
def test_settings_that_cannot_work_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str) -> None:
    """When the graph is loaded, not with the first alert; a secret is not repeated."""
    monkeypatch.setenv(f"ALPHA_PIPELINE_{name}", value)
    with pytest.raises(SettingError, match=told) as refused:
        Alerts.from_environment()
    assert "SECRET" not in str(refused.value)


def test_secrets_are_names_until_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource page shows which variable, not what is in it."""
    monkeypatch.setenv("ALPHA_PIPELINE_SLACK_WEBHOOK", "https://hooks/SECRET")
    monkeypatch.setenv("ALPHA_PIPELINE_MAIL_PASSWORD", "SECRET")
    assert "SECRET" not in repr(Alerts.from_environment())
