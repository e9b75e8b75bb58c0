"""The price that is shown is the price that is charged: on the buy page, at the processor, on the receipt, in the
journal; to the hundredth, in each currency, with VAT, without, and under reverse charge."""

import pytest

from tests.contract.counter import Buyer, Counter
from tyst.core.money import from_wire
from tyst.core.vat import split

YEAR = {"package": "subscription-12", "confirmed": "yes"}


def asked(counter: Counter, buyer: Buyer, method: str) -> str:
    """What the processor was asked to charge."""
    if method == "swish":
        return f"{counter.swish.payments[next(reversed(counter.swish.payments))].shown['amount']:.2f}"
    if method == "coinpayments":
        return str(counter.coins.invoices[counter.coins.by_order(buyer.reference)].asked["amount"]["total"])
    return str(counter.cards.vault.find(buyer.pay_card()).amount)


@pytest.mark.parametrize(
    ("method", "currency", "country", "number", "price", "shown", "rate"),
    [
        ("swish", "SEK", "se", "", "811753.31", "811,753.31", 2500),
        ("braintree", "EUR", "fi", "", "73391.17", "73,391.17", 2550),
        ("braintree", "EUR", "de", "DE307642390", "61673.25", "61,673.25", 0),
        ("braintree", "EUR", "se", "SE556703748501", "73391.17", "73,391.17", 2500),
        ("braintree", "SEK", "us", "", "811753.31", "811,753.31", 0),
        ("coinpayments", "USD", "no", "", "79137.41", "79,137.41", 0),
    ],
)
def test_the_price_that_is_shown_is_charged(
    counter: Counter, method: str, currency: str, country: str, number: str, price: str, shown: str, rate: int
) -> None:
    buyer = Buyer(counter, f"{method}.{currency}.{country}".lower())
    form = {**YEAR, "currency": currency, "country": country, "vat_id": number}
    page = buyer.post("/en/account/buy", **form).text
    assert shown in page, "the buy page"
    before = {row[:7]: row[7:] for row in counter.sql("SELECT * FROM journal")}
    buyer.order(method, currency, country, vat_id=number)
    assert from_wire(asked(counter, buyer, method), currency) == from_wire(price, currency), "the processor"
    if method == "swish":
        buyer.pay_swish()
    elif method == "coinpayments":
        buyer.pay_coins()
    assert buyer.settled() and shown in buyer.client.get("/en/paid").text, "the receipt"
    booked = [
        [new - old for new, old in zip(row[7:], before.get(row[:7], (0, 0, 0)), strict=True)]
        for row in counter.sql("SELECT * FROM journal")
        if before.get(row[:7]) != row[7:]
    ]
    net, vat = split(from_wire(price, currency), rate)
    assert booked == [[1, net.minor, vat.minor]], "the journal"


def test_a_wrong_number_sells_nothing_and_is_said(counter: Counter) -> None:
    buyer = Buyer(counter, "wrong.number")
    form = {**YEAR, "currency": "EUR", "country": "de", "vat_id": "DE307642391"}
    for method in ({}, {"method": "braintree"}):
        assert buyer.post("/en/account/buy", **form, **method).status_code == 422
    assert "order" not in buyer.client.cookies
