"""The refund code on a receipt: what a processor needs to give the money back, sealed, and held by the customer alone.

It lives ten days from the first purchase. Afterwards, or without it, nobody can tell which payment was hers.
"""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from tyst.core.account import CURRENCIES
from tyst.core.money import Money
from tyst.core.order import METHODS, OrderError
from tyst.core.product import PRODUCTS, Product
from tyst.core.seal import Kind

PAYMENT_MOST = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Refund:
    """`payment`: the processor's own id, ASCII, at most 64 characters. `serial`: the order's: it is used once.

    `product`, `months`, `days`, `since`: as in the order: which time goes back, and of which account.
    """

    KIND: ClassVar[Kind] = Kind.REFUND
    method: str
    payment: str = field(repr=False)
    serial: bytes = field(repr=False)
    username: str = field(repr=False)
    total: Money = field(repr=False)
    country: str
    rate: int
    product: Product = Product.SUBSCRIPTION
    months: int = 0
    days: int = 0
    since: datetime = field(default=_EPOCH, repr=False)
    _FORM: ClassVar[struct.Struct] = struct.Struct(">B64s8s32siB2sHBBHi")

    def __post_init__(self) -> None:
        if len(self.payment) > PAYMENT_MOST:
            raise OrderError("a processor's id is at most 64 characters long")

    def pack(self) -> bytes:
        """122 bytes."""
        money = self.total.minor, CURRENCIES.index(self.total.currency)
        texts = self.payment.encode("ascii"), self.serial, self.username.encode("ascii")
        taxed = self.country.encode("ascii"), self.rate
        bought = PRODUCTS.index(self.product), self.months, self.days, int(self.since.timestamp()) // 3600
        return self._FORM.pack(METHODS.index(self.method), *texts, *money, *taxed, *bought)

    @classmethod
    def unpack(cls, payload: bytes) -> "Refund":
        """struct.error or ValueError for what isn't one."""
        method, payment, serial, name, minor, currency, country, rate, product, months, days, hour = cls._FORM.unpack(
            payload
        )
        texts = payment.rstrip(b"\0").decode("ascii"), serial, name.rstrip(b"\0").decode("ascii")
        total, since = Money(minor, CURRENCIES[currency]), datetime.fromtimestamp(hour * 3600, UTC)
        what = Product(PRODUCTS[product])
        return cls(METHODS[method], *texts, total, country.decode("ascii"), rate, what, months, days, since)
