"""An order: what somebody wants to pay for, sealed and handed to the payment processor. There is no order table.

The sealed text rides in the processor's reference, callback address or label and comes back with the payment. It names
its buyer by user name and by the hour in which the account was made, so that a re-key loses no payment and a name that
is taken again inherits none. One fixed length, whatever is inside. Counterparts: `payments.orders` holds the daily
keys, `records.settlement` spends the serial. Serials and crash points: docs/algorithms/settlement.md.
"""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from tyst.core.account import CURRENCIES, LANGUAGES, username_fault
from tyst.core.money import Money
from tyst.core.product import PRODUCTS, Product
from tyst.core.seal import Kind

SERIAL_BYTES = 8
VAT_ID_MOST = 14
METHODS = ("voucher", "braintree", "swish", "coinpayments", "monero")
"""Ways to pay, by the number that stands in a sealed order: append, never reorder."""


class OrderError(ValueError):
    """A text or a value that no order has. Carries nothing of it."""


@dataclass(frozen=True, slots=True)
class Order:
    """One purchase. `months` or `days`: how long the product is extended (the other is 0). `total`: what is paid, VAT
    included. `rate`: VAT in hundredths of a per cent (2500 for 25 %), 0 outside the EU and under reverse charge.
    """

    KIND: ClassVar[Kind] = Kind.ORDER
    method: str
    serial: bytes = field(repr=False)
    username: str = field(repr=False)
    since: datetime = field(repr=False)
    """`created_at` of the account: a full hour."""
    product: Product
    months: int
    days: int
    total: Money
    country: str
    """Where VAT is due: two small letters."""
    rate: int
    language: str
    renews: bool = False
    """The buyer wants it to renew by itself (cards)."""
    vat_id: str = field(default="", repr=False)
    """A company's VAT number, for the receipt; with one from another EU country the charge is reversed."""

    _FORM: ClassVar[struct.Struct] = struct.Struct(">B8s32sIBBHiB2sHBB14s")

    def __post_init__(self) -> None:
        if username_fault(self.username) or len(self.vat_id) > VAT_ID_MOST:
            raise OrderError("an order is for an account, and a VAT number is short")
        if len(self.serial) != SERIAL_BYTES or (self.months > 0) == (self.days > 0) or self.total.minor <= 0:
            raise OrderError("an order has a serial, a price, and either months or days")

    def pack(self) -> bytes:
        """74 bytes."""
        return self._FORM.pack(
            METHODS.index(self.method),
            self.serial,
            self.username.encode("ascii"),
            int(self.since.timestamp()) // 3600,
            PRODUCTS.index(self.product),
            self.months,
            self.days,
            self.total.minor,
            CURRENCIES.index(self.total.currency),
            self.country.encode("ascii"),
            self.rate,
            LANGUAGES.index(self.language),
            int(self.renews),
            self.vat_id.encode("ascii"),
        )

    @classmethod
    def unpack(cls, payload: bytes) -> "Order":
        """The order in a payload of `pack`. struct.error or ValueError for anything else."""
        method, serial, name, hour, product, months, days, minor, currency, country, rate, language, renews, vat_id = (
            cls._FORM.unpack(payload)
        )
        try:
            return cls(
                METHODS[method],
                serial,
                name.rstrip(b"\0").decode("ascii"),
                datetime.fromtimestamp(hour * 3600, UTC),
                Product(PRODUCTS[product]),
                months,
                days,
                Money(minor, CURRENCIES[currency]),
                country.decode("ascii"),
                rate,
                LANGUAGES[language],
                bool(renews),
                vat_id.rstrip(b"\0").decode("ascii"),
            )
        except (IndexError, UnicodeDecodeError):
            raise OrderError("this is not an order") from None
