"""Puts the jobs of one state folder together: records, mail, processors, order keys, clock."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tyst.core.keyring import Keyring, from_text
from tyst.core.owner import OWNER
from tyst.core.steady import SteadyClock
from tyst.records import undone
from tyst.records.migrate import configure
from tyst.records.where import chosen

if TYPE_CHECKING:
    from tyst.core.plan import Catalogue
    from tyst.jobs.renewals import Till
    from tyst.jobs.work import Parts
    from tyst.mail.letters import Writer
    from tyst.mail.outbox import Outbox
    from tyst.payments.orders import OrderKeys
    from tyst.payments.seller import Seller
    from tyst.payments.settling import Paid, Settler


def clock() -> Callable[[], datetime]:
    """The door's clock, which does not believe a jump of the machine's."""
    steady = SteadyClock(time.time, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    return lambda: datetime.fromtimestamp(steady(), UTC)


def parts(state: Path) -> "Parts":
    """The jobs' parts. Raises OSError, KeyringError, ConfigError, CatalogueError or RecordsError with a sentence."""
    where = chosen(state)
    configure(where)
    # Django's models can be imported only now.
    from tyst.jobs.book import Book
    from tyst.jobs.work import Parts
    from tyst.mail import wiring as mail
    from tyst.mail.letters import Writer
    from tyst.payments import catalogue, seller, wiring
    from tyst.payments.orders import OrderKeys
    from tyst.payments.settling import Settler
    from tyst.records.places import fleet

    now, keys, facts = clock(), from_text((state / "site.keys").read_bytes(), room="site"), fleet()
    undone.use(state)
    orders = OrderKeys(state, lambda: int(now().timestamp()))
    outbox, writer = mail.outbox(state, still_read), Writer(facts.site.rstrip("/") if facts else "")
    providers, sells = wiring.providers(state, now), seller.load(state)
    settler = Settler(orders, keys, now, _receipts(outbox, writer, sells), providers)
    till = _till(keys, orders, settler, sells, catalogue.load(state)) if sells else None
    return Parts(where, now, Book(state), outbox, writer, orders, providers, settler, till, state)


def _till(keys: Keyring, orders: "OrderKeys", settler: "Settler", sells: "Seller", prices: "Catalogue") -> "Till":
    from tyst.jobs.renewals import Till

    return Till(prices, orders, settler, keys.secrets[OWNER], sells.country, os.urandom)


def still_read(email: str) -> bool:
    """For the outbox's thread: a letter to an account that was deleted meanwhile isn't sent. MailError: ask later."""
    from django.db import DatabaseError, connections

    from tyst.mail.letter import MailError
    from tyst.records import readers

    try:
        return readers.is_read(email)
    except DatabaseError:
        raise MailError("the records are away") from None
    finally:
        connections.close_all()


def _receipts(outbox: "Outbox", writer: "Writer", sells: "Seller | None") -> "Callable[[Paid], None]":
    """What the settler is to tell: a receipt for whoever gave an address."""
    from tyst.mail.receipts import Issuer

    issuer = Issuer(sells.name, sells.address, sells.vat_id) if sells else Issuer("Tyst", ())

    def tell(paid: "Paid") -> None:
        if paid.account.email and outbox.open:
            outbox.post(writer.receipt(paid.account.email, paid.receipt, issuer))

    return tell
