"""The privacy policy, the cookies and the third parties: pages made from the inventory, and the same for machines.

Every entry of the inventory is on them, by construction: a test plants one in each section and looks for it. Around the
tables stand our own promises; what the operator alone can promise comes from `hosting.toml`, which servers are owned
from the fleet, and whether we ever gave anything from the signed counters. They know no account. Counterparts:
`records.inventory`, `records.linked` (the JSON-LD), `transparency.py`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tyst.core.account import CAMPAIGNS, FIELDS
from tyst.records import linked, places, transparency, vocabulary
from tyst.records.inventory import Column, Inventory, Party, inventory
from tyst.site.pages.common import allows, page
from tyst.site.pages.public import devices_purpose
from tyst.site.services import Services, SiteRequest

BASES: Mapping[str, Any] = {
    vocabulary.CONSENT: gettext_lazy("your consent"),
    vocabulary.CONTRACT: gettext_lazy("our contract with you"),
    vocabulary.LAW: gettext_lazy("the law asks for it"),
    vocabulary.INTEREST: gettext_lazy("our interest in a service that works"),
    vocabulary.NOBODY: gettext_lazy("none needed: it is about nobody"),
}
"""Legal bases in words."""
ROLES: Mapping[str, Any] = {
    "dpv:DataProcessor": gettext_lazy("works for us and by our instructions"),
    "dpv:DataController": gettext_lazy("decides by itself, under its own rules"),
    "dpv:PublicSectorBody": gettext_lazy("a public body"),
    "dpv:ThirdParty": gettext_lazy("nobody in particular"),
}
"""What a party is to us, in words."""
SAMPLE: Mapping[str, Any] = {
    "username": "example",
    "password": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHlzYWx0c2FsdHk0dQ$aGFzaCBvZiBhIHBhc3N3b3JkIG9mIG5vYm9keS4uLi4",
    "email": "example@example.com",
    "created_at": "2026-01-01 00:00:00",
    "updated_at": "2026-04-01 00:00:00",
    "newsletter": 0,
    "has_authenticated": 1,
    "has_connected": 1,
    "has_ipv6": 1,
    "compression": 0,
    "streaming": 0,
    "language": "sv",
    "currency": "SEK",
    "country": "se",
    "devices": 0,
    "campaign": None,
    "subscription": "2027-04-01 23:59:59",
    "ipv4": None,
    "multihop": None,
    "client_version": "1.2",
    "extension_version": None,
}
"""An account as it is stored, in the true format of each field. `devices` is asked, not stored."""


@dataclass(frozen=True)
class Table:
    """A table of a policy page. `heads`: what its columns are; `named`: the first one holds names of the program."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    named: bool = False

    def cells(self) -> list[tuple[Any, list[tuple[str, Any]]]]:
        """For each row its first cell and, with their heads, the others."""
        return [(row[0], list(zip(self.heads[1:], row[1:], strict=True))) for row in self.rows]


@allows("GET")
def privacy(request: SiteRequest) -> HttpResponse:
    """The whole policy."""
    everything, services = inventory(), request.services
    report = transparency.report(services.transparency)
    context = {
        "seller": services.shop.seller,
        "hosting": services.hosting,
        "promised": services.hosting.sentences(),
        "servers": _servers(),
        "gave_nothing": report is not None and report.gave_nothing,
        "sample": json.dumps(SAMPLE, indent=4),
        "channels": CAMPAIGNS,
        "account_fields": _account_fields(everything.columns),
        "tables": _other_tables(everything.columns),
        "cookies": _cookies(everything),
        "outgoing": _outgoing(everything),
        **_sections(everything),
    }
    return page(request, "privacy.html", context)


@allows("GET")
def cookies(request: SiteRequest) -> HttpResponse:
    """What we put into a browser."""
    return page(request, "cookies.html", {"cookies": _cookies(inventory())})


@allows("GET")
def third_parties(request: SiteRequest) -> HttpResponse:
    """Who else gets anything, what, and from where pages load."""
    everything, used = inventory(), _used(request.services)
    told = [_party(everything, one, used=one.folder in used) for one in everything.parties]
    return page(request, "third_parties.html", {"parties": sorted(told, key=lambda one: not one["used"])})


@allows("GET")
def machine(request: SiteRequest) -> HttpResponse:
    """The inventory as JSON-LD."""
    seller = request.services.shop.seller
    text = json.dumps(linked.document(inventory(), seller.name if seller else ""), indent=1)
    return HttpResponse(text, content_type="application/ld+json")


def _used(services: Services) -> set[str]:
    """The folders of the parties that this operator has set up."""
    vies = {"vies"} if services.shop.vies else set()
    return {*services.shop.providers, *services.outbox.names, *vies}


def _party(everything: Inventory, one: Party, *, used: bool) -> dict[str, Any]:
    got = [each for each in everything.outgoing if each.folder == one.folder]
    return {
        "name": one.name,
        "used": used,
        "role": ROLES[one.role],
        "country": "" if one.country == "none" else one.country,
        "policy": "" if one.policy == "none" else one.policy,
        "keeps": _(one.keeps),
        "gets": [(_(each.what), _(each.purpose), _(each.when), BASES[each.legal_basis]) for each in got],
        "hosts": _hosts(everything, one.folder),
    }


def _hosts(everything: Inventory, folder: str) -> list[tuple[str, list[str]]]:
    """(setting, origins) from which a page may load of this party."""
    found: dict[str, dict[str, None]] = {}
    for one in everything.hosts:
        if one.party == folder:
            found.setdefault(one.when, {}).update(dict.fromkeys(one.origins))
    return [(when, list(origins)) for when, origins in found.items()]


def _servers() -> tuple[int, int]:
    """(ours, all) of the servers that can be connected to."""
    nodes = places.public_nodes()
    return sum(node.owned for node in nodes), len(nodes)


def _sections(everything: Inventory) -> dict[str, Table]:
    """What is beside the database, in the reader's language."""
    what, purpose, life = _("What"), _("What for"), _("How long")
    precise, basis = _("Precision"), _("Legal basis")
    files = [(one.name, _(one.what), *_ends(one, precision=True)) for one in everything.files]
    sealed = [(_(one.holder), *_ends(one, precision=True)) for one in everything.sealed]
    memory = _unique((_(one.what), *_ends(one)) for one in everything.memory)
    logs = _unique((_(one.what), *_ends(one)) for one in everything.logs)
    metrics = _unique((_(one.what), *_ends(one, precision=True)) for one in everything.metrics)
    rest = [(one.process, _(one.why), _(one.lifetime)) for one in everything.remainders]
    return {
        "files": Table([_("File"), what, purpose, precise, life, basis], files, named=True),
        "sealed": Table([_("Who holds it"), purpose, precise, life, basis], sealed),
        "memory": Table([what, purpose, life, basis], memory),
        "logs": Table([_("What a line says"), purpose, life, basis], logs),
        "metrics": Table([_("Figure"), purpose, precise, life, basis], metrics),
        "remainders": Table([_("Program"), _("Why"), life], rest, named=True),
    }


def _ends(one: Any, *, precision: bool = False) -> tuple[Any, ...]:
    """What most entries have: purpose, precision if asked for, lifetime, legal basis."""
    exact = (_(one.precision),) if precision else ()
    return (_(one.purpose), *exact, _(one.lifetime), BASES[one.legal_basis])


def _unique(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows that say the same once."""
    return list(dict.fromkeys(rows))


def _heads(first: str) -> list[str]:
    return [first, _("What for"), _("Precision"), _("How long"), _("Legal basis")]


def _cookies(everything: Inventory) -> Table:
    rows = [(one.name, *_ends(one, precision=True)) for one in everything.cookies]
    return Table(_heads(_("Cookie")), rows, named=True)


def _outgoing(everything: Inventory) -> Table:
    rows = [(_(one.receiver), _(one.what), _(one.purpose), _(one.when)) for one in everything.outgoing]
    return Table([_("Who gets it"), _("What"), _("What for"), _("When")], rows)


def _account_fields(columns: Sequence[Column]) -> Table:
    """The account's fields in the policy's order; `devices` in its place without a column."""
    found = {column.field: column for column in columns if column.table == "account"}
    names = ["handle", *FIELDS]
    rows = [_account_field(name, found.get(name)) for name in [*names, *sorted(set(found) - set(names))]]
    return Table(_heads(_("Field")), rows, named=True)


def _account_field(name: str, column: Column | None) -> tuple[Any, ...]:
    if column is None:
        contract = BASES[vocabulary.CONTRACT]
        return name, devices_purpose(), _("0 to 4, never written"), _("90 seconds unless renewed"), contract
    return name, *_ends(column, precision=True)


def _other_tables(columns: Sequence[Column]) -> Table:
    """Every table but the account, its fields together where they are alike."""
    others = [column for column in columns if column.table != "account"]
    alike = groupby(others, key=lambda one: (one.table, one.purpose, one.precision, one.lifetime, one.legal_basis))
    rows = [
        (f"{table}: {', '.join(one.field for one in group)}", _(purpose), _(precision), _(life), BASES[basis])
        for (table, purpose, precision, life, basis), group in alike
    ]
    return Table(_heads(_("Table and fields")), rows, named=True)
