"""What an account must know today, for those who get no letters: its time ends, has ended, or an add-on rests.

Pure: columns and a day in, codes out; the site turns them into sentences. The same days as the reminders by mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from tyst.core.product import Product

SOON = 14
"""Days before an end from which it is told."""
LONG_PAST = 30
"""Days after an end until which it is told."""


class Code(StrEnum):
    """What is told."""

    RENEWAL_DUE = "renewal-due"
    """The subscription ends within two weeks."""
    ENDED = "subscription-ended"
    """It ended within the last month."""
    SUSPENDED = "addon-suspended"
    """An add-on has time left that can't be used while there is no subscription. Nothing of it is lost but the days."""
    ADDON_DUE = "addon-due"
    """An add-on ends within two weeks, and before the subscription does."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`day`: the UTC day at whose end it happens or happened."""

    code: Code
    product: Product
    day: date


def notices(expiries: Mapping[Product, datetime | None], today: date) -> list[Notice]:
    """What to tell on this UTC day. `expiries`: the account's three columns."""
    days = {product: expiry.astimezone(UTC).date() for product, expiry in expiries.items() if expiry is not None}
    end = days.pop(Product.SUBSCRIPTION, None)
    found = []
    if end is not None and 0 <= (end - today).days <= SOON:
        found.append(Notice(Code.RENEWAL_DUE, Product.SUBSCRIPTION, end))
    if end is not None and 0 < (today - end).days <= LONG_PAST:
        found.append(Notice(Code.ENDED, Product.SUBSCRIPTION, end))
    live = end is not None and end >= today
    for product, day in days.items():
        if day >= today and not live:
            found.append(Notice(Code.SUSPENDED, product, day))
        elif day >= today and end is not None and day < end and (day - today).days <= SOON:
            found.append(Notice(Code.ADDON_DUE, product, day))
    return found
