"""A receipt, as a value: what was bought, for how much, with how much VAT, of whom, and until when it lasts.

It is made once, when the payment is settled, shown and mailed, and then gone: nothing that it is made of is kept. Its
number is a hash of the order's serial, so it tells neither how many there are nor which payment it was. Counterparts:
`core.order` (what it is made from), `mail.receipts` draws it as text and PDF, the site shows it.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime

from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.paper import bits_to_symbols, symbols_to_text
from tyst.core.product import Product
from tyst.core.vat import split

_NUMBER_BYTES = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """`total`: paid, VAT included; `rate`: hundredths of a per cent; `refund`: the sealed refund code's text, or "".

    `reversed`: a company in another EU country owes the VAT itself (article 196 of directive 2006/112/EC).
    """

    number: str = field(repr=False)
    day: date
    method: str
    username: str = field(repr=False)
    product: Product
    months: int
    days: int
    total: Money = field(repr=False)
    rate: int
    country: str
    vat_id: str = field(repr=False)
    until: datetime = field(repr=False)
    language: str
    refund: str = field(default="", repr=False)

    @property
    def net(self) -> Money:
        """Without VAT."""
        return split(self.total, self.rate)[0]

    @property
    def vat(self) -> Money:
        """The VAT in it."""
        return split(self.total, self.rate)[1]

    @property
    def reversed(self) -> bool:
        """Whether the buyer owes the VAT herself."""
        return bool(self.vat_id) and self.rate == 0


def receipt_of(order: Order, paid: Money, *, until: datetime, day: date, refund: str = "") -> Receipt:
    """The receipt for a settled order. `paid`: what arrived (coins may bring more or less than the order's total)."""
    words = {"months": order.months, "days": order.days, "rate": order.rate}
    return Receipt(
        number=number_of(order.serial),
        day=day,
        method=order.method,
        username=order.username,
        product=order.product,
        total=paid,
        country=order.country,
        vat_id=order.vat_id,
        until=until,
        language=order.language,
        refund=refund,
        **words,
    )


def number_of(serial: bytes) -> str:
    """A receipt's number: eight characters that can be read out, from 40 bits of a hash."""
    digest = hashlib.blake2b(serial, digest_size=_NUMBER_BYTES, person=b"tyst receipt").digest()
    return symbols_to_text(bits_to_symbols(digest), 4)
