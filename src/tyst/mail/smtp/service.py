"""Carries letters by SMTP (RFC 5321) with TLS, through Django's backend. Plain text on the wire is refused.

The letter's `Message-ID` is random and its `Date` a whole minute: the library's own would tell the machine's name, the
process's number and the microsecond. EHLO says the sender's domain.
"""

import smtplib
import ssl
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from secrets import token_hex
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from tyst.mail import message
from tyst.mail.letter import Answers, Letter, MailError

TLS_PORT = 465
"""TLS from the first byte (RFC 8314); on every other port STARTTLS."""


class Smtp:
    """One mail server. `ca`: a file with the authority to trust besides the system's."""

    name = "smtp"

    def __init__(self, answers: Answers, sender: str) -> None:
        self._host, self._port, self._sender = answers["host"], int(answers.get("port") or TLS_PORT), sender
        self._user, self._password = answers.get("user") or "", answers.get("password") or ""
        self._tls = (answers.get("tls") or ("tls" if self._port == TLS_PORT else "starttls")) == "tls"
        self._ca = answers.get("ca") or None

    def carry(self, letter: Letter) -> bool:
        one = message.message_of(letter, self._sender)
        domain = parseaddr(self._sender)[1].rpartition("@")[2]
        one.extra_headers["Message-ID"] = f"<{token_hex(16)}@{domain}>"
        one.extra_headers["Date"] = format_datetime(datetime.now(UTC).replace(second=0, microsecond=0))
        taken = self._taken(one)
        if taken is None:
            raise MailError("the mail server did not take a letter")
        return taken

    def _taken(self, one: Any) -> bool | None:
        """Whether the server took it; None for an error, which ends here because it may carry the address."""
        backend = self._backend()
        try:
            return bool(backend.send_messages([one]))
        except smtplib.SMTPRecipientsRefused as error:
            lasting = all(code >= 500 for code, _ in error.recipients.values())
            return False if lasting else None
        except (OSError, ValueError):
            return None
        finally:
            backend.close()

    def check(self) -> str:
        """Connects and signs in."""
        backend = self._backend()
        try:
            backend.open()
        except (OSError, ValueError):
            raise MailError("the mail server can't be used: check name, port, TLS, user name and password") from None
        finally:
            backend.close()
        return "The mail server takes the connection."

    def _backend(self) -> "_Backend":
        return _Backend(
            host=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            use_tls=not self._tls,
            use_ssl=self._tls,
            timeout=message.SECONDS,
            context=ssl.create_default_context(cafile=self._ca),
            name=parseaddr(self._sender)[1].rpartition("@")[2],
        )


class _Backend(EmailBackend):
    """Django's, with our TLS context and our name in EHLO."""

    def __init__(self, *, context: ssl.SSLContext, name: str, **words: Any) -> None:
        super().__init__(**words)
        self.ssl_context = context
        self._name = name

    @property
    def connection_class(self) -> Any:
        name = self._name

        def connect(host: str, port: int, **words: Any) -> smtplib.SMTP:
            return (smtplib.SMTP_SSL if self.use_ssl else smtplib.SMTP)(host, port, **{**words, "local_hostname": name})

        return connect


def build(answers: Answers, sender: str) -> Smtp:
    """The service of these answers. KeyError or ValueError for a missing or wrong one."""
    return Smtp(answers, sender)
