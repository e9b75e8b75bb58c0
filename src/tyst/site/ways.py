"""The words of the shop: products, terms, and ways to pay, with what each processor learns of a buyer.

Counterparts: `core.order.METHODS` and `core.product` name them, `payments` does them, and the inventory's `outgoing`
rows declare the same to the privacy page.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tyst.core.product import Product


@dataclass(frozen=True)
class Way:
    """One way to pay. `learns`: what its processor gets to know, and what we do."""

    name: str
    title: Any
    about: Any
    learns: Any


WAYS = {
    one.name: one
    for one in (
        Way(
            "braintree",
            _("Card"),
            _("Visa, Mastercard and others, by Braintree (PayPal). The card fields are Braintree's own."),
            _("Braintree learns the card, your network address and the amount. We learn that it was paid."),
        ),
        Way(
            "swish",
            "Swish",
            _("With the Swish app: scan a code, or open the app on this device."),
            _("Swish and your bank learn who you are and the amount. We don't keep the number that paid."),
        ),
        Way(
            "monero",
            "Monero",
            _("To a fresh address of our own wallet. No processor is in between."),
            _("Nobody learns who you are. The wallet of the month is deleted 30 days after it."),
        ),
        Way(
            "coinpayments",
            _("Bitcoin and other coins"),
            _("On the page of CoinPayments, where you choose the coin."),
            _("CoinPayments learns your network address and the coin's sender, which most coins show to everybody."),
        ),
    )
}
"""In the order in which they are offered."""

PRODUCTS = {
    Product.SUBSCRIPTION: _("Subscription"),
    Product.MULTIHOP: _("Multihop"),
    Product.IPV4: _("Public IPv4"),
}

LABELS = {"address": _("Address"), "amount": _("Amount")}
"""What providers call the lines that a buyer types or copies."""


def term(months: int, days: int = 0) -> str:
    """A term in words."""
    if days:
        return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
    if months and months % 12 == 0:
        years = months // 12
        return ngettext("%(years)d year", "%(years)d years", years) % {"years": years}
    return ngettext("%(months)d month", "%(months)d months", months) % {"months": months}
