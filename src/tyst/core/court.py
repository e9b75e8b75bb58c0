"""What an authority may ask, as a value: one named account, or nothing that can be looked for; and two people's yes.

There are three kinds. A disclosure names a person by user name or mail address. A preservation order and an order that
names something else (an address, a time, a payment) name nobody here: what they ask for is not done, and the request
has no field for it. An approval is an operator's signature over exactly this request, good for a week; the file holds
no part of the request. Counterparts: `fleet.disclosure` answers, `core.openness.counters` counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tyst.core.account import email_fault, username_fault
from tyst.core.country import COUNTRIES
from tyst.core.signed import SignedError, check, signature

GOOD_FOR = timedelta(days=7)
APPROVERS = 2
_KIND = "tyst approval 1"
_LONGEST = 120


class CourtError(ValueError):
    """The request or its approvals won't do. One sentence, with nothing of the person."""


class Asked(StrEnum):
    """Kinds of request."""

    DISCLOSURE = "disclosure"
    """What is kept about one named account."""
    PRESERVATION = "preservation"
    """To keep something from now on, or not to delete it."""
    SEARCH = "search"
    """To find out who it was: by an address, a time, a payment, a country, a pattern."""


class Answer(StrEnum):
    """What came of it. Only GIVEN is information about a customer."""

    GIVEN = "given"
    NO_ACCOUNT = "no-account"
    NOTHING = "nothing"
    """There was nothing to give or to do, or the request was refused."""


@dataclass(frozen=True, slots=True)
class Request:
    """`by`: where the authority is, two small letters. One of `username` and `email` for a disclosure, else none."""

    asked: Asked
    reference: str = field(repr=False)
    authority: str = field(repr=False)
    by: str
    username: str = field(default="", repr=False)
    email: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.by not in COUNTRIES:
            raise CourtError("the authority's country is two small letters, such as se")
        if not all(0 < len(one) <= _LONGEST and one.isprintable() for one in (self.reference, self.authority)):
            raise CourtError("an order has a reference and an authority, each of at most 120 characters")
        _check_subject(self)

    def body(self) -> dict[str, str]:
        """What is signed."""
        return {name: str(getattr(self, name)) for name in Request.__slots__}


def _check_subject(request: Request) -> None:
    """A whole name or address, so that no part of one, pattern or list can be asked for."""
    named = [one for one in (request.username, request.email) if one]
    if len(named) != (1 if request.asked is Asked.DISCLOSURE else 0):
        raise CourtError("a disclosure names one account by user name or mail address, other requests name none")
    if request.username and username_fault(request.username):
        raise CourtError("this is no user name: it must be whole, and patterns are not searched for")
    if request.email and email_fault(request.email):
        raise CourtError("this is no mail address: it must be whole, and patterns are not searched for")


def approve(request: Request, operator: str, today: date, key: Ed25519PrivateKey) -> bytes:
    """One operator's approval: four lines with her name, the day and the signature, and nothing of the request."""
    given = signature(_KIND, _approved(request, operator, today), key)
    return "\n".join([_KIND, operator, today.isoformat(), given, ""]).encode()


def approvers(
    request: Request, approvals: Iterable[bytes], operators: Mapping[str, bytes], today: date
) -> tuple[str, ...]:
    """The names of two different operators who approved exactly this. CourtError otherwise."""
    names = sorted({_approver(request, one, operators, today) for one in approvals})
    if len(names) != APPROVERS or len({operators[name] for name in names}) != APPROVERS:
        raise CourtError("it takes the approvals of two different operators, each with a key of her own")
    return tuple(names)


def _approver(request: Request, approval: bytes, operators: Mapping[str, bytes], today: date) -> str:
    try:
        kind, name, day, given, end = approval.decode("ascii").split("\n")
        approved = date.fromisoformat(day)
    except ValueError:
        raise CourtError("this is no approval: ./tyst disclose approve makes them") from None
    if kind != _KIND or end or name not in operators:
        raise CourtError("an approval is by nobody who is an operator here (./tyst disclose operators)")
    if not approved <= today < approved + GOOD_FOR:
        raise CourtError("an approval is older than a week, or of a day that is still to come")
    try:
        check(_KIND, _approved(request, name, approved), given, operators[name])
    except SignedError:
        raise CourtError("an approval is for another request, or not by the operator whom it names") from None
    return name


def _approved(request: Request, operator: str, today: date) -> dict[str, Any]:
    return {"request": request.body(), "operator": operator, "day": today.isoformat()}
