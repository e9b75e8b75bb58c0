"""Her copy: everything that is kept about an account, as a page and as a JSON document.

Put together when she asks, shown once and kept nowhere. What can't be in it is named with the reason: payment data (we
hold none; the processors to ask are listed), sealed values (she and her devices hold them), and what nobody can find by
an account. Counterparts: `records.person` collects, `holdings.py` asks, `pages/rights.py` hands it over.
"""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from tyst.core.owner import OWNER
from tyst.core.tokens import Session
from tyst.payments.wiring import PROCESSORS
from tyst.records import person
from tyst.records.inventory import Inventory, inventory
from tyst.records.models import Account
from tyst.site import holdings, sessions
from tyst.site.gate_client import GateError
from tyst.site.services import Services

FORM = 1
"""The version of the document's form."""


@dataclass(frozen=True)
class HerCopy:
    """The copy of one account."""

    copy: person.Copy = field(repr=False)
    declared: Inventory

    def document(self) -> dict[str, Any]:
        """For JSON, in English: made for programs."""
        stored: dict[str, list[dict[str, person.Value]]] = {}
        for one in self.copy.stored:
            stored.setdefault(one.where, []).append(_entry(one))
        asked = [{"where": one.where, "what": one.what, "answer": _known(one.value)} for one in self.copy.asked]
        rest = {"payments": self._payments(), "not_found_by_account": self._not_found()}
        return {"form": FORM, "stored": stored, "kept_and_not_shown": _withheld(), "asked": asked, **rest} | {
            "held_by_you": [
                {"what": one.purpose, "holder": one.holder, "until": one.lifetime} for one in self._sealed()
            ]
        }

    def context(self) -> dict[str, Any]:
        """For the page, in the reader's language."""
        rest = self._not_found()
        return {
            "stored": [(one.where, one.name, _said(one.value), _(one.purpose)) for one in self.copy.stored],
            "withheld": [(one["field"], _(one["why"])) for one in _withheld()],
            "asked": [(one.where, _(one.what), _answer(one.value)) for one in self.copy.asked],
            "no_payments": _(holdings.NO_PAYMENTS),
            "processors": [(one["name"], _(one["keeps"]), one["policy"]) for one in self._payments()["ask"]],
            "sealed": [(_(one.purpose), _(one.holder), _(one.lifetime)) for one in self._sealed()],
            "not_found": [(one["where"], _translated(one), _(one["why"])) for one in rest],
        }

    def _payments(self) -> dict[str, Any]:
        """Whom to ask instead: every processor, also those that this provider uses no more."""
        found = [one for one in self.declared.parties if one.folder in PROCESSORS]
        ask = [{"name": one.name, "keeps": one.keeps, "policy": one.policy} for one in found]
        return {"held": False, "why": holdings.NO_PAYMENTS, "ask": ask}

    def _sealed(self) -> list[Any]:
        return [one for one in self.declared.sealed if one.kind not in OURS]

    def _not_found(self) -> list[dict[str, str]]:
        """Tables, values in RAM, files and parties in which nobody can find her, and why."""
        tables = {table: [one.field for one in self.declared.columns if one.table == table] for table in NAMELESS}
        found = [
            {"where": table, "what": ", ".join(fields), "why": holdings.NOT_FOUND}
            for table, fields in sorted(tables.items())
        ]
        told = [(room, what, why) for (room, what), why in holdings.SILENT_MEMORY.items()]
        files = [one for one in self.declared.files if one.name not in holdings.ASKED_FILES]
        told += [(one.room, one.what, holdings.SILENT_FILES[one.name]) for one in files]
        told += [(folder, holdings.MESSAGES, why) for folder, why in holdings.SILENT_PARTIES.items()]
        return found + [{"where": where, "what": what, "why": why} for where, what, why in told]


OURS = frozenset({"key_record", "lease", "login", "notice", "enrolment", "node_keys"})
"""Kinds of sealed values that no customer holds: they are in our tables or RAM, or only pass by."""
NAMELESS = frozenset({"key_record", "spent_serial", "journal"})
"""Tables with something of customers' in which nobody can be found. The others hold no customer's at all, or are shown:
a test compares."""


def of(services: Services, account: Account) -> HerCopy:
    """Everything about an account, now. Asks the gate, processors and mail services; who can't be asked says so."""
    sources = holdings.of_site(services, _devices(services, account))
    return HerCopy(person.everything(account, services.keys.secrets[OWNER], sources), inventory())


def session_of(services: Services, account: Account) -> bytes:
    """A session of hers that no cookie ever was, for the gate to see."""
    one = Session(account.handle, services.draw(sessions.SERIAL_BYTES))
    return sessions.sealed(services.keys, one, services.draw(sessions.NONCE_BYTES), services.seconds)


def _devices(services: Services, account: Account) -> int | None:
    try:
        return services.gate.devices(session_of(services, account))
    except GateError:
        return None


def _withheld() -> list[dict[str, str]]:
    told = sorted(holdings.WITHHELD.items())
    return [{"table": table, "field": name, "why": why} for (table, name), why in told]


def _entry(one: person.Datum) -> dict[str, person.Value]:
    told = {"purpose": one.purpose, "precision": one.precision, "lifetime": one.lifetime}
    return {"field": one.name, "value": one.value, **told, "legal_basis": one.legal_basis}


def _known(value: person.Value) -> person.Value:
    return holdings.AWAY if value is None else value


def _said(value: person.Value) -> str:
    return "null" if value is None else str(int(value)) if isinstance(value, bool) else str(value)


def _answer(value: person.Value) -> str:
    if value is None:
        return _(holdings.AWAY)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def _translated(one: dict[str, str]) -> str:
    """What is there: names of columns are the same in every language."""
    return one["what"] if one["where"] in NAMELESS else _(one["what"])
