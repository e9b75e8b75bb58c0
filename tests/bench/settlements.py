"""How many payments a second are settled, beside the bare transactions: the same statements by hand, and nothing else.

A settlement opens the sealed order, decides, gives the time, makes the receipt with its refund code, and books the sum.
The yardstick sends the statements of both transactions over the same kind of connection, without seal, models or
receipt. On a real disk, with the syncs that an acknowledged write takes, so by the clock on the wall.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

from tests.bench.figures import Figure, figure
from tests.bench.machine import compare
from tests.postgres import looking_at, start
from tests.unit.django_once import database_path
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.rounding import end_of_day
from tyst.records.where import Where

TARGET = 0.8
ROUNDS, EACH = 15, 20
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_PHC = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
_NUMBERS = count()
_SERIAL = "INSERT INTO spent_serial (hash) VALUES (%s) ON CONFLICT DO NOTHING"
_EXTEND = "UPDATE account SET subscription = %s, updated_at = %s WHERE handle = %s"


def bench() -> list[Figure]:
    """Settlements a second on SQLite and on PostgreSQL."""
    return [_measured("SQLite", _file), _measured("PostgreSQL", _server)]


def _measured(engine: str, place: Callable[[], Iterator[Where]]) -> Figure:
    from tyst.records import undone

    with contextmanager(place)() as where, looking_at(where), tempfile.TemporaryDirectory(dir="/var/tmp") as state:
        _accounts()
        undone.use(Path(state))  # each settlement writes into the journal, too
        settle, bare = _settler(Path(state)), lambda number: partial(_bare, number)
        speed = compare(lambda: _rate(settle), lambda: _rate(bare), rounds=ROUNDS)
        undone.leave()
    return figure(
        f"settlements, {engine}",
        speed.value,
        "/s",
        speed.yardstick,
        ratio=speed.ratio,
        reaches=f"{TARGET} x the bare transactions",
        holds=speed.ratio >= TARGET,
    )


def _file() -> Iterator[Where]:
    """A file on a disk: /var/tmp is none that lives in RAM."""
    from tyst.records.migrate import migrate

    database_path()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = Path(folder) / "records.sqlite3"
        migrate(path)
        yield path


def _server() -> Iterator[Where]:
    """A server whose files are on the same disk, with its syncs."""
    from tyst.records.migrate import migrate

    database_path()
    cluster = start("/var/tmp", fsync="on")
    try:
        where = cluster.empty()
        migrate(where)
        yield where
    finally:
        cluster.stop()


def _rate(make: Callable[[int], Callable[[], None]]) -> float:
    """Of things made beforehand: that an order was sealed is the buyer's page, not its settlement."""
    works = [make(next(_NUMBERS)) for _ in range(EACH)]
    began = time.monotonic()
    for work in works:
        work()
    return EACH / (time.monotonic() - began)


def _accounts() -> None:
    from tyst.records.models import Account

    common = {"password": _PHC, "created_at": NOW, "updated_at": NOW, "language": "sv", "currency": "SEK"}
    names = [Account(handle=one.to_bytes(16), username=f"alice{one}", country="se", **common) for one in range(1000)]
    Account.objects.bulk_create(names)


def _settler(state: Path) -> Callable[[int], Callable[[], None]]:
    from tyst.payments.orders import OrderKeys
    from tyst.payments.provider import Event, What
    from tyst.payments.settling import Outcome, Settler

    class Swish:
        name, renews = "swish", False

    orders = OrderKeys(state, lambda: int(NOW.timestamp()))
    settler = Settler(orders, new_pair(os.urandom)[0], lambda: NOW, lambda paid: None)

    def settle(event: Event) -> None:
        assert settler.take(Swish(), event) is Outcome.GRANTED  # type: ignore[arg-type]

    def told(number: int) -> Callable[[], None]:
        total = Money(9900, "SEK")
        bought = (Product.SUBSCRIPTION, 0, 30, total, "se", 2500, "sv")
        order = Order("swish", number.to_bytes(8), f"alice{number % 1000}", NOW, *bought)
        return partial(settle, Event(What.PAID, orders.seal(order), total, "P" * 32))

    return told


def _bare(number: int) -> None:
    """The statements of both transactions, as settlement.md lists them."""
    from django.db import connection, transaction

    from tyst.records.bookkeeping import _ADD
    from tyst.records.settlement import _FIND, mark

    serial, handle = number.to_bytes(8), (number % 1000).to_bytes(16)
    until = end_of_day(NOW.date() + timedelta(days=30))
    adapt = connection.ops.adapt_datetimefield_value
    find = _FIND + (" FOR UPDATE" if connection.features.has_select_for_update else "")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SERIAL, (mark(serial, b"paid"),))
        cursor.execute(find, (f"alice{number % 1000}",))
        cursor.fetchall()
        cursor.execute(_SERIAL, (mark(serial, b"first"),))
        cursor.execute(_EXTEND, (adapt(until), adapt(NOW), handle))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SERIAL, (mark(serial, b"journal"),))
        cursor.execute(_ADD, ("2026-03-01", "sale", "se", 2500, "SEK", "swish", "subscription", 1, 7920, 1980))
