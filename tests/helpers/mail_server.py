"""Mail server on loopback with configurable refusals."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class Mailbox:
    """
    Stores delivered messages.

    Args:
        refusals: answers to the next messages, such as "451 later"; later ones are accepted.
    """

    def __init__(self, refusals: tuple[str, ...] = ()) -> None:
        self.refusals, self.messages, self.logins = list(refusals), [], []
        self.messages: list[Message]
        self.logins: list[tuple[bytes, bytes]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """Take a message or refuse it."""
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        """Accept one password."""
        name, password = data.login, data.password  # type: ignore[attr-defined]  # the library names no type
        self.logins.append((name, password))
        return AuthResult(success=password == b"right")


@contextmanager
def mail_server(mailbox: Mailbox, password: bool = False) -> Iterator[str]:
    """Run a server for the length of the block; yields its `host:port`."""
    more = {"authenticator": mailbox.login, "auth_required": True, "auth_require_tls": False} if password else {}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        controller.stop()
