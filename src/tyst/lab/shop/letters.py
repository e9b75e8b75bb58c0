"""A letter as a fake mail service or the mail sink received it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class Received:
    """`headers`: names in small letters; `files`: names and contents; `settings`: what was said about tracking."""

    to: str
    sender: str
    subject: str
    text: str
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[tuple[str, bytes]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


def received(message: EmailMessage, to: str) -> Received:
    """A parsed message (RFC 5322) as the sink got it."""
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    files = [(part.get_filename() or "", part.get_payload(decode=True)) for part in message.iter_attachments()]
    return Received(
        to,
        str(message["From"]),
        str(message["Subject"]),
        str(text.get_content()).replace("\r\n", "\n") if text else "",
        str(html.get_content()) if html else "",
        {name.lower(): str(value).strip() for name, value in message.items()},
        [(name, content if isinstance(content, bytes) else b"") for name, content in files],
    )
