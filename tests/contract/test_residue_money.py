"""After a purchase is settled, nothing of the payment is left: no processor's id, amount, address, telephone number,
card digits or transaction is in any file of ours or in the site's memory. The journal's sums are numbers, and stay."""

import base64
from collections.abc import Iterator

import pytest

from tests.contract.counter import CARD, Buyer, Counter, until
from tests.contract.payments.shops.monero import chain
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import scan_set_of
from tyst.lab.shop.coinpayments import ADDRESS, BUYER
from tyst.lab.shop.swish import PAYER
from tyst.proof.engine import Engine
from tyst.proof.sources import FileSource, MemorySource

DECOY = "f4a7decoy0c21e77b"
COMPANY = "DE307642390"
"""A number that no library has as an example."""
LATER = 25.0
"""Seconds: connections end later than their requests, and the collector comes after them."""


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    one = Counter(tmp_path_factory.mktemp("state"), chain())
    yield one
    one.stop()


class Scan:
    """Looks for texts in all their forms, in the site's memory and in every file of its state folder."""

    def __init__(self, counter: Counter, texts: dict[str, str]) -> None:
        assert counter.process is not None
        self.pid, self.state = counter.process.pid, counter.state
        self.engine = Engine(scan_set_of(Mark(name, MarkKind.TEXT, text) for name, text in texts.items()))

    def found(self) -> set[tuple[str, str]]:
        """(where, what)"""
        places = {"memory": self.engine.search(MemorySource(self.pid)).counted}
        for path in sorted(self.state.rglob("*")):
            if path.is_file():
                places[str(path.relative_to(self.state))] = self.engine.search(FileSource(path)).counted
        patterns = self.engine.scan_set.patterns
        return {(where, patterns[index].mark.name) for where, counted in places.items() for index in counted}


def swish(counter: Counter, alice: Buyer) -> dict[str, str]:
    """Alice pays by Swish. What its fake and she know of it."""
    order = alice.order("swish", "SEK", "se")
    identity = next(reversed(counter.swish.payments))
    token = counter.swish.payments[identity].token
    scan = Scan(counter, {"token": token})
    assert ("memory", "token") in scan.found(), "an open payment's token is in memory, so the scan can see"
    alice.pay_swish()
    bank = str(counter.swish.payments[identity].shown["paymentReference"])
    return {"order by Swish": order, "Swish's id": identity, "bank's reference": bank, "token": token, "phone": PAYER}


def coins(counter: Counter, bob: Buyer) -> dict[str, str]:
    """Bob pays with a coin by CoinPayments."""
    order = bob.order("coinpayments", "USD", "us")
    return {"order by coin": order, "invoice": bob.pay_coins(), "coin's address": ADDRESS, "coin buyer's mail": BUYER}


def card(counter: Counter, charlie: Buyer) -> dict[str, str]:
    """Charlie's company pays by card, under reverse charge: 73391.17 less 19 % VAT."""
    counter.sql("UPDATE account SET email = 'charlie@example.test' WHERE username = ?", charlie.name)
    order = charlie.order("braintree", "EUR", "de", vat_id=COMPANY)
    name = charlie.pay_card()
    assert str(counter.cards.vault.find(name).amount) == "61673.25"
    digits = {"card": CARD, "card's first and last digits": f"{CARD[:6]}******{CARD[-4:]}"}
    amounts = {"amount": "61673.25", "amount with a comma": "61,673.25", "amount in German": "61.673,25"}
    return {"order by card": order, "transaction": name, "company's number": COMPANY, **digits, **amounts}


def monero(_: Counter, dora: Buyer) -> dict[str, str]:
    """Dora pays in Monero, on a chain of our own."""
    order = dora.order("monero", "EUR", "fr", package="subscription-1")
    address, transaction = dora.pay_monero()
    return {"order by Monero": order, "Monero's address": address, "Monero's transaction": transaction}


def test_nothing_of_settled_payments_is_left_anywhere(counter: Counter) -> None:
    marks = {"decoy": DECOY}
    for name, pays in (("alice", swish), ("bob", coins), ("charlie", card), ("dora", monero)):
        buyer = Buyer(counter, name)
        marks |= pays(counter, buyer)
        assert buyer.settled(), f"{name}'s payment was not settled"
        assert buyer.client.get("/en/paid").status_code == 200
        assert buyer.client.get("/en/paid/receipt.pdf").content.startswith(b"%PDF")
        buyer.client.close()
    assert len(counter.sql("SELECT * FROM journal")) == 4, "the journal has its sums"
    assert until(lambda: len(counter.mail.letters) == 1), "Charlie has his receipt by mail"
    scan = Scan(counter, marks)
    assert until(lambda: scan.found() == set(), LATER), sorted(scan.found())
    planted = counter.state / "leak.log"
    planted.write_bytes(b"paid: " + b"\n".join(base64.b64encode(text.encode()) for text in marks.values()))
    assert scan.found() == {("leak.log", name) for name in marks}, "what is written down is found"
    assert counter.stop() == ("", ""), "the site says nothing about anything"
