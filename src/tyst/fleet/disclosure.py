"""The answer to an authority: what the policy lets us give about one named account, and what can't be answered and why.

Two operators have approved exactly this request (`core.court`). The account is found by a whole name or address and by
nothing else; what is read of it are the inventory's `disclose` columns, and what is said of payments is whether a
processor would charge a card again, asked by our derived reference. The public counter goes up before anything is
handed out. Both forms of the answer are returned and kept nowhere. Counterparts: `answer_pdf.py`, the command.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyst.core import keyring
from tyst.core.account import FIELDS
from tyst.core.court import Answer, Asked, CourtError, Request, approvers
from tyst.core.owner import OWNER, owner_of
from tyst.core.signed import sealed, stamped
from tyst.fleet import answer_pdf, operators, pdf_signature
from tyst.payments import wiring
from tyst.payments.provider import PaymentError, Provider
from tyst.records import transparency
from tyst.records.inventory import Column, inventory
from tyst.records.migrate import configure
from tyst.records.transparency import COUNTERS_KEY
from tyst.records.where import chosen

if TYPE_CHECKING:
    from tyst.records.models import Account

KIND = "tyst answer 1"
NOT_HELD = "not held: payments are not tied to accounts here, and no payment data is stored"
CANNOT = (
    (
        "where, when and how the service was used",
        "Connections, addresses, times, traffic and DNS questions are recorded nowhere, so there is nothing to give.",
    ),
    (
        "who used an address, or was connected at a time",
        "It cannot be searched. An account is found by a whole user name or a whole mail address and by nothing else:"
        " the program has no search by address, time, country, payment or pattern.",
    ),
    ("password", "A hash is kept that checks the password and cannot be turned back. It is not given."),
    (
        "devices",
        "Not stored. How many are connected now is counted in memory and told to the customer's own session alone.",
    ),
    ("device keys", "Each record is sealed with a key that only the device has: nobody can list an account's devices."),
    (
        "a reserved public IPv4 address",
        "It is not among what our policy lets us give, and this procedure does not read it.",
    ),
    ("payments", "They are not tied to accounts here. Processors know payments by numbers of their own."),
)
ORDERED = {
    Asked.DISCLOSURE: (),
    Asked.PRESERVATION: (
        "Nothing was changed. What is not kept cannot be preserved, and the program has no switch that keeps more or"
        " deletes later. Deletions and expiries go on. A later order for a named account is answered with what there"
        " is then.",
    ),
    Asked.SEARCH: (
        "The order names no user name or mail address. It cannot be answered: there is no search by address, time,"
        " country, payment or pattern.",
    ),
}
FOUND = {
    Answer.GIVEN: "There is an account of this name or with this mail address. All that may be given of it follows.",
    Answer.NO_ACCOUNT: "There is no account of this name or with this mail address.",
}


@dataclass(frozen=True)
class Made:
    """One answer in both forms, for the operator to hand over."""

    answer: Answer
    document: bytes = field(repr=False)
    pages: bytes = field(repr=False)


def made(state: Path, request: Request, approvals: Iterable[bytes], now: datetime) -> Made:
    """Answers and counts. CourtError or TransparencyError when it can't be: then nothing was counted or given."""
    today = now.date()
    names = approvers(request, approvals, operators.read(state), today)
    key = transparency.signing_key(state / COUNTERS_KEY)
    transparency.current(state)
    body = _body(request, names, today, _accounts(state, request, now))
    document, pages = sealed(KIND, body, key), stamped(answer_pdf.pages(body), key)
    pages = pdf_signature.signed(pages, *transparency.answers_pair(state))
    transparency.count(state, request.asked, request.by, Answer(body["answer"]), today)
    return Made(Answer(body["answer"]), document, pages)


def disclosed() -> list[Column]:
    """The columns that an answer holds, in the policy's order."""
    columns = {one.field: one for one in inventory().columns if one.table == "account" and one.disclose}
    return [columns[name] for name in FIELDS if name in columns]


def _accounts(state: Path, request: Request, now: datetime) -> list[dict[str, Any]]:
    if request.asked is not Asked.DISCLOSURE:
        return []
    where = chosen(state)
    if isinstance(where, Path) and not where.is_file():
        raise CourtError("there are no records here; nothing was counted or given")
    configure(where)
    from django.db import Error

    from tyst.records.named import named

    try:
        return [_account(one, state, now) for one in named(request)]
    except Error:
        raise CourtError("the records can't be read just now; nothing was counted or given") from None


def _account(account: "Account", state: Path, now: datetime) -> dict[str, Any]:
    fields = {one.field: _value(getattr(account, one.field)) for one in disclosed()}
    return {"fields": fields, "payment": _payment(account, wiring.providers(state, partial(_same, now)), state)}


def _payment(account: "Account", found: Mapping[str, Provider], state: Path) -> dict[str, Any]:
    """Whether each processor that charges again by itself would; which is all that can be found out."""
    asked = {name: one for name, one in found.items() if one.renews}
    mandate = _mandate(account, state) if asked else ""
    try:
        cards = {name: one.has_mandate(mandate) for name, one in asked.items()}
    except PaymentError:
        raise CourtError("a payment processor can't be asked just now; nothing was counted or given") from None
    return {"method": NOT_HELD, "charged again automatically": cards, "processors in use": sorted(found)}


def _mandate(account: "Account", state: Path) -> str:
    owners = keyring.from_text((state / "site.keys").read_bytes(), room="site").secrets[OWNER]
    return owner_of(owners, account.username, account.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")).hex()


def _body(request: Request, names: tuple[str, ...], today: date, accounts: list[dict[str, Any]]) -> dict[str, Any]:
    answer = Answer.NOTHING
    if request.asked is Asked.DISCLOSURE:
        answer = Answer.GIVEN if accounts else Answer.NO_ACCOUNT
    said = [FOUND[answer]] if answer in FOUND else []
    return {
        "request": request.body(),
        "day": today.isoformat(),
        "approved by": list(names),
        "answer": str(answer),
        "said": [*said, *ORDERED[request.asked]],
        "accounts": accounts,
        "cannot": [{"what": what, "why": why} for what, why in CANNOT],
        "kept of every account": [
            {"field": one.field, "purpose": one.purpose, "precision": one.precision} for one in disclosed()
        ],
    }


def _value(value: object) -> str | int | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return int(value) if isinstance(value, bool | int) else None if value is None else str(value)


def _same(now: datetime) -> datetime:
    return now
