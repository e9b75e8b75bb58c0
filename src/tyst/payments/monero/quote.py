"""What one order costs in XMR and until when: a value, and its text beside the sealed order in a subaddress's label.

Amounts are whole piconero (10^-12 XMR), never floats. The amount on the order page is fixed for half an hour; what gets
into a block up to an hour later still counts by it, because blocks take their time and miners' clocks are coarse. What
comes later is worth what XMR is worth then, so that nobody can wait for a better price. Sums are of all payments to one
address; `provider.py` says when they are final.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tyst.core.money import Money, MoneyError

PICONERO = 10**12
FIXED = timedelta(minutes=30)
GRACE = timedelta(hours=1)
GRAIN = timedelta(minutes=10)
"""The end is rounded up to this: a label needn't say to the minute when somebody looked at a page."""
_STEP = 10**6
"""Amounts have six decimals: people type them."""
_LABEL = re.compile(r"([A-Za-z0-9_-]{1,256})\.([1-9][0-9]{0,8})([A-Z]{3})\.([1-9][0-9]{0,18})\.([1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class Payment:
    """One incoming transfer. `at`: when its block was made; None while it is in no block."""

    piconero: int = field(repr=False)
    confirmations: int
    at: datetime | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """`asked`: piconero for `total`; `until`: when that amount stops being fixed. The sealed order is opaque here."""

    reference: str = field(repr=False)
    total: Money = field(repr=False)
    asked: int = field(repr=False)
    until: datetime

    def label(self) -> str:
        """The text of a subaddress's label."""
        total = f"{self.total.minor}{self.total.currency}"
        return f"{self.reference}.{total}.{self.asked}.{int(self.until.timestamp() // 60)}"

    def holds(self, at: datetime | None) -> bool:
        """Whether a payment of that time counts by this amount."""
        return at is None or at <= self.until + GRACE


def quote(reference: str, total: Money, rate: Fraction, now: datetime) -> Quote:
    """`rate`: hundredths of the currency for one XMR."""
    exact = total.minor * PICONERO / rate
    asked = -(-exact // _STEP) * _STEP
    grain = int(GRAIN.total_seconds())
    end = -(-int((now + FIXED).timestamp()) // grain) * grain
    return Quote(reference, total, int(asked), datetime.fromtimestamp(end, UTC))


def from_label(text: str) -> Quote | None:
    """The quote in a label; None for labels that aren't ours."""
    match = _LABEL.fullmatch(text)
    if match is None:
        return None
    reference, minor, currency, asked, minutes = match.groups()
    try:
        total = Money(int(minor), currency)
        return Quote(reference, total, int(asked), datetime.fromtimestamp(int(minutes) * 60, UTC))
    except (MoneyError, ValueError, OverflowError):
        return None


def worth(of: Quote, payments: Sequence[Payment], rate: Fraction | None) -> Money | None:
    """What the payments are worth in the order's currency; None when that needs today's rate and there is none."""
    fixed = sum(one.piconero for one in payments if of.holds(one.at))
    late = sum(one.piconero for one in payments if not of.holds(one.at))
    value = of.total.share(fixed, of.asked)
    if not late:
        return value
    if rate is None:
        return None
    return value + Money(int(late * rate / PICONERO), of.total.currency)


def is_enough(of: Quote, value: Money) -> bool:
    """Whether nothing more need be waited for: settlement counts 99.5 per cent as all of it."""
    return value.minor * 1000 >= of.total.minor * 995


def xmr(piconero: int) -> str:
    """As wallets write it: `0.417300`, or all twelve decimals where six don't say it."""
    whole, rest = divmod(piconero, PICONERO)
    text = f"{whole}.{rest:012}"
    return text[:-6] if rest % _STEP == 0 else text
