"""Who besides the database holds something of a customer, and how each is asked: parties, rooms' memory, files.

Every entry of the inventory's `[[outgoing]]`, `[[memory]]` and `[[file]]` is answered for here: by a question that is
put live when she asks for her copy, or by the reason why nobody can find anything of hers there. A test compares both
ways, so that a new party, value in RAM or file doesn't go into service unanswered. Counterparts: `records.person` puts
the copy together, `parting.py` has all of it removed.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext_noop as _

from tyst.core.owner import OWNER
from tyst.mail.letter import MailError
from tyst.payments.provider import PaymentError, Provider
from tyst.records import reservations, undone
from tyst.records.models import Account
from tyst.records.person import AwayError, Source

if TYPE_CHECKING:
    from tyst.mail.outbox import Outbox
    from tyst.site.services import Services

NO_PAYMENTS = _(
    "We are not able to provide payment data: none is held here, and nothing here leads from you to a payment. "
    "What you paid with and when is known to whoever took the payment. Ask them, with your receipt:"
)
NOT_FOUND = _("It names nobody: yours can't be told from anybody else's.")
AWAY = _("could not be asked just now")
MESSAGES = _("what it gets from us")

MANDATE = _("whether it would charge your card again")
WAITING = _("letters to you that wait")
RETURNED = _("letters to you that came back")
REFUSING = _("whether it refuses to write to your address")
OPEN = _("payments of yours that are open")
NOTED = _("notes for a restore: what changed, and the day")
DEVICES = _("devices connected now")

WITHHELD: Mapping[tuple[str, str], str] = {
    ("account", "handle"): _("It works like a key, so it is kept from paper and files. A re-key replaces it."),
    ("public_address", "owner"): _("It is made from your user name, and says nothing else."),
}
"""Why a copy names these columns without showing them."""

ASKED_PARTIES: Mapping[str, str] = {"braintree": MANDATE, "mailgun": REFUSING, "postmark": REFUSING}
"""By folder: what a party is asked about her."""
SILENT_PARTIES: Mapping[str, str] = {
    "smtp": _("It passes letters on; it keeps no list that we could ask about you."),
    "swish": _("It knows payments, by the number that your bank shows you. We have no number of yours to ask by."),
    "coinpayments": _("It knows payments, by their own numbers. We have no number of yours to ask by."),
    "monero": _("Nobody is asked: the chain doesn't say who pays whom."),
    "vies": _("It was asked about a company's number, never about who typed it."),
}
"""By folder: why nothing is asked."""

ASKED_MEMORY: Mapping[tuple[str, str], str] = {
    ("gate", "how many devices are connected"): DEVICES,
    ("site", "letters to you that no mail service has taken yet"): WAITING,
    ("site", "how often letters to an address came back, under a keyed hash of it"): RETURNED,
    ("site", "open payments: the sealed order, and the code, address or link that a payment has"): OPEN,
}
"""By room and value: what a room is asked about her."""
COUNTED = _("A count under a hash whose key is thrown away: nobody can find yours.")
TUNNELS = _("Tunnels belong to keys, not to accounts: the server doesn't know whose they are.")
NOBODYS = _("It is the same for everybody.")
SILENT_MEMORY: Mapping[tuple[str, str], str] = {
    ("site", "your address"): _("It lasts as long as the request: when you read this it is gone."),
    ("site", "a keyed hash of your address's prefix"): COUNTED,
    ("site", "the serials of sessions that signed out"): _("Random numbers, without an account."),
    ("site", "the journal of what was undone, opened"): _(
        "What it says of you is shown above, as the journal of what was undone."
    ),
    ("site", "how often an account opened or looked at payments"): COUNTED,
    ("site", "how many keys an account registered"): COUNTED,
    ("site", "how often letters to an address were asked for, under a keyed hash"): COUNTED,
    ("site", "open Swish payments: the order, sealed, and the code that the app reads"): _(
        "They are among your open payments above."
    ),
    ("gate", "how busy each server is, in ten steps"): NOBODYS,
    ("gate", "what each city's servers sent in five minutes, all customers together"): NOBODYS,
    ("node", "how many bytes the server has sent, all customers together"): NOBODYS,
    ("gate", "the day's flags"): _("They become has_connected and the versions above within a day."),
    ("gate", "destinations that the operator has blocked for everybody, without who or why"): NOBODYS,
    ("node", "which public IPv4 address leads to which open tunnel"): TUNNELS,
    ("node", "keys and addresses of open tunnels"): TUNNELS,
    ("node", "your address, and to which other server your tunnel goes"): TUNNELS,
    ("node", "a copy of open tunnels' keys and permissions, for the case that the node's program fails"): TUNNELS,
    ("node", "which forwarded ports lead to which open tunnel"): TUNNELS,
    ("node", "ports that have just become free, without whose they were"): NOBODYS,
    ("node", "preshared keys of open tunnels"): TUNNELS,
    ("node", "how many connections a tunnel began just now"): TUNNELS,
    ("node", "names that somebody asked for, without who"): NOBODYS,
    ("node", "addresses that names of the streaming list led to, without who asked"): NOBODYS,
}
"""By room and value: why nobody can be asked."""

SEALED = _("It can't be searched without being opened, and nobody opens it unless the database is lost.")
ASKED_FILES: Mapping[str, str] = {"undone.journal": NOTED}
"""By name: what is looked up in it about her."""
SILENT_FILES: Mapping[str, str] = {
    "statistics/YYYY-MM.json": NOBODYS,
    "transparency/": _("It counts requests, and names nobody."),
    "tyst-YYYY-MM-DD.backup": SEALED,
    "tyst.shelf": SEALED,
    "tyst-YYYYMM": _("Orders in it are sealed and name nobody outside; their keys die after 31 days."),
}
"""By name: why nobody can find anything of hers there."""


def of_site(services: "Services", devices: int | None = None) -> list[Source]:
    """All that a site can ask. `devices`: what the gate has said already, None when it could not."""
    sources = [Source("gate", DEVICES, lambda _account: _known(devices))]
    sources += processors(services.shop.providers.values(), lambda account: mandate(services, account))
    sources.append(Source("site", NOTED, noted))
    return sources + mail(services) + [Source("site", OPEN, lambda account: len(orders(services, account)))]


def noted(account: Account) -> str:
    """What the journal outside the database says of an account, by the hash of its handle: what kind, and which day."""
    journal = undone.current()
    who = journal.who(account.handle)
    found = sorted(f"{one.kind.name.lower()} {one.day}" for one in journal.entries() if one.who == who)
    return ", ".join(found) or "-"


def mandate(services: "Services", account: Account) -> str:
    """The name by which a processor finds the account's mandate."""
    return reservations.owner(services.keys.secrets[OWNER], account).hex()


def processors(found: Iterable[Provider], name_of: Callable[[Account], str]) -> list[Source]:
    """The processors that can charge again: whether they would. `name_of`: the mandate's name (core.owner, hex)."""
    return [Source(one.name, MANDATE, _mandate(one, name_of)) for one in found if one.renews]


def mail(services: "Services") -> list[Source]:
    """The mail services' own lists of addresses they refuse, and what waits or came back in the site's memory."""
    sources = [Source(name, REFUSING, _refusing(services.outbox, name)) for name in services.outbox.listing]
    sources.append(Source("site", WAITING, lambda account: services.outbox.waiting(account.email or "")))
    return [*sources, Source("site", RETURNED, lambda account: services.bounces.count(account.email or ""))]


def orders(services: "Services", account: Account) -> list[str]:
    """The open payments of an account: the sealed orders that the till holds, opened one by one."""
    return [one for one in services.shop.till.references() if services.shop.order(one, account) is not None]


def _known(devices: int | None) -> int:
    if devices is None:
        raise AwayError
    return devices


def _mandate(provider: Provider, name_of: Callable[[Account], str]) -> Callable[[Account], bool]:
    def ask(account: Account) -> bool:
        try:
            return provider.has_mandate(name_of(account))
        except PaymentError:
            raise AwayError from None

    return ask


def _refusing(outbox: "Outbox", service: str) -> Callable[[Account], bool]:
    def ask(account: Account) -> bool:
        try:
            return bool(account.email) and outbox.listed(service, account.email or "")
        except MailError:
            raise AwayError from None

    return ask
