"""Who is told: an SMTP server and an HTTP receiver on loopback, which keep what they are sent."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from threading import Thread

import pytest


@dataclass
class Mailbox:
    """Mails that an SMTP server took; ``refuses`` has it take none."""

    url: str = ""
    refuses: bool = False
    mails: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def receiving_mail() -> Iterator[Mailbox]:
    """Serve SMTP until the body ends."""
    from apprise.plugins.email import NotifyEmail

    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 ready")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    self.say("354 go on")
                    self.take()
                elif mailbox.refuses and verb == b"MAIL":
                    self.say("451 not now")
                else:
                    self.say("221 bye" if verb == b"QUIT" else "250 ok")
                if verb == b"QUIT":
                    return

        def take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            mail = message_from_bytes(b"".join(lines), policy=default)
            body = mail.get_body(("plain",))
            mailbox.mails.append((str(mail["Subject"]), body.get_content() if body else ""))
            self.say("250 taken")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        mailbox.url = (
            f"mailto://127.0.0.1:{server.server_address[1]}?from=daybreak@example.com&to=team@example.com&mode=insecure"
        )
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with pytest.MonkeyPatch.context() as patch:
                # Apprise lets seconds pass between two mails, for servers that are not one's own.
                patch.setattr(NotifyEmail, "request_rate_per_sec", 0)
                yield mailbox
        finally:
            server.shutdown()
            thread.join()
