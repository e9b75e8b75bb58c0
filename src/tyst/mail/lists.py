"""What a mail service's own list of refused addresses is asked: whether an address is in it, and to take it out.

Services fill such lists by themselves, from letters that came back. We ask when she wants her copy and when her account
is deleted, about her own address alone, and only a service that is set up. Counterparts: each service's `service.py`.
"""

import ssl
from typing import Any, Protocol, runtime_checkable

import httpx

from tyst.mail.letter import MailError
from tyst.mail.message import SECONDS


@runtime_checkable
class Listing(Protocol):
    """A service that keeps such a list."""

    name: str

    def listed(self, address: str) -> bool:
        """Whether it refuses to write to this address. MailError when it can't say."""

    def unlist(self, address: str) -> None:
        """Takes the address out of all its lists; nothing when it is in none. MailError when it can't."""


def ask(method: str, url: str, ca: str | None, allowed: tuple[int, ...], **words: Any) -> httpx.Response:
    """One question. MailError for any answer but the allowed ones; nothing of address or answer is in it."""
    verify = ssl.create_default_context(cafile=ca) if ca else True
    try:
        with httpx.Client(verify=verify, trust_env=False, timeout=SECONDS) as client:
            answer = client.request(method, url, **words)
    except httpx.HTTPError:
        raise MailError("a mail service can't be reached from this machine") from None
    if answer.status_code not in allowed:
        raise MailError("a mail service did not answer about its list")
    return answer


def told(answer: httpx.Response, name: str) -> Any:
    """One value of a JSON answer. MailError when there is none."""
    try:
        return answer.json()[name]
    except (ValueError, KeyError, TypeError):
        raise MailError("a mail service did not say what is in its list") from None
