"""Key records: written once, never changed, removed by whoever holds the device's private key or at their month's end.

The site can write them and not read them, and can't say whose a record is. Counterparts: `core.tokens.KeyRecord` seals
them, the gate opens them when the device presents itself.
"""

from datetime import datetime

from django.db import IntegrityError, transaction

from tyst.core.rounding import month_of
from tyst.records.models import KeyRecord

MONTHS = 24
"""How long a record lives: to the end of this many months after its own."""


class KeyTakenError(Exception):
    """A record for this key exists already, whoever's it is."""


def last_month(now: datetime) -> int:
    """The month (YYYYMM) at whose end a record made now lapses."""
    return month_of(now, plus=MONTHS)


def add(tag: bytes, record: bytes, month: int) -> None:
    """Writes a record. Raises KeyTakenError."""
    try:
        with transaction.atomic():
            KeyRecord(tag=tag, record=record, last_month=month).save(force_insert=True)
    except IntegrityError:
        raise KeyTakenError from None
