"""A letter on its way, and what every mail service's folder offers.

A letter exists in this process's memory until a service has taken it. It carries no tag, no metadata and nothing that
is fetched when it is read. Siblings: `mailgun/`, `postmark/`, `smtp/`, each with `service.py` (carries), `setup.py`
(what the operator is asked) and, where the service tells of them, `bounces.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

HOUR = 3600


class MailError(Exception):
    """A service can't be reached, or refused us. Carries nothing that it said."""


class ForgedError(MailError):
    """A message about a bounce that its service did not send."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    content: bytes = field(repr=False)
    form: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class Letter:
    """`kind`: for the counter, one of `mail.letters.KINDS`. `to`: the address, or "" for a letter to nobody, which is
    written where the answer must not tell whether there is an account. `unsubscribe`: an address for RFC 8058's
    one-click header. `lives`: seconds until it is pointless.
    """

    kind: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    attachment: Attachment | None = field(default=None, repr=False)
    unsubscribe: str = field(default="", repr=False)
    lives: int = 6 * HOUR


@dataclass(frozen=True, slots=True)
class Question:
    """What the operator is asked when she sets a service up."""

    name: str
    asks: str
    secret: bool = False
    default: str | None = None


class Service(Protocol):
    """One way out. Calls block for at most some seconds."""

    name: str

    def carry(self, letter: Letter) -> bool:
        """Hands the letter over: True when the service took it, False when it says that the address gets nothing.
        MailError when it took nothing now: the next service is tried, or the same again later."""

    def check(self) -> str:
        """Speaks with the service and says in one sentence that the credentials work; MailError otherwise."""


Answers = Mapping[str, str]
