"""A real site process with every processor's fake and a mail server behind it, and buyers who come without a browser."""

import re
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import httpx

from tests.contract.payments.shops.braintree import free_port, nonce
from tests.site.world import World
from tyst.core.rounding import month_of
from tyst.lab.ca import Authority
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.coinpayments import FakeCoinPayments
from tyst.lab.shop.regtest import Regtest, write_rates
from tyst.lab.shop.smtp import FakeSmtp
from tyst.lab.shop.swish import FakeSwish
from tyst.mail import config as mail
from tyst.mail.config import Config
from tyst.payments.config import to_text

PATIENCE = 20.0
SELLER = {"name": "Tyst AB", "address": "Lugna gatan 1, 111 22 Stockholm", "country": "se", "vat_id": "SE556703748501"}
CARD = "4024007188347198"
"""A card that no library has as an example."""
PRICES = """
[subscription]
1 = { EUR = "73.37", SEK = "811.31", USD = "79.19" }
12 = { EUR = "73391.17", SEK = "811753.31", USD = "79137.41" }
"""
"""Prices that nothing else looks like."""


def now() -> datetime:
    """The fakes' clock."""
    return datetime.now(UTC)


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came true before the deadline."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        threading.Event().wait(0.02)
    return True


class Counter(World):
    """The site, and its processors: `swish`, `coins`, `cards`; with a `chain`, Monero too."""

    def __init__(self, state: Path, chain: Regtest | None = None) -> None:
        super().__init__(state)
        self.chain, self.clients, self.stopped = chain, list[httpx.Client](), False
        self.swish = FakeSwish(state.parent / f"{state.name}-swish", now)
        self.coins = FakeCoinPayments(state.parent / f"{state.name}-coins", now)
        self.cards = FakeBraintree(now)
        (state / "prices.toml").write_text(PRICES)
        https, http = free_port(), free_port()
        here = f"http://localhost:{http}/pay"
        self.swish.call_at(f"{here}/swish")
        self.coins.call_at(f"{here}/coinpayments")
        self.cards.call_at(f"{here}/braintree/")
        self.mail = FakeSmtp(state.parent / f"{state.name}-mail", Authority())
        config = Config("Tyst <hej@tyst.test>", ("smtp",), {"smtp": self.mail.answers()})
        mail.write(state, config)
        tables = {"seller": SELLER, "swish": self.swish.answers(), "coinpayments": self.coins.answers()}
        tables["braintree"] = self.cards.answers()
        if chain:
            rates = state / "rates.json"
            write_rates(rates, now)
            tables["monero"] = chain.answers(rates, month_of(now()))
        (state / "payments.toml").write_text(to_text(tables))
        self.start(https, http)
        self.url = self.http_url

    def stop(self) -> tuple[str, str]:
        if self.stopped:
            return "", ""
        self.stopped = True
        for client in self.clients:
            client.close()
        said = super().stop()
        for fake in (self.swish, self.coins, self.cards, self.mail):
            fake.close()
        return said

    def expiry(self, name: str) -> str | None:
        """What the records say of somebody's subscription."""
        rows = self.sql("SELECT subscription FROM account WHERE username = ?", name)
        return str(rows[0][0]) if rows and rows[0][0] else None

    def everything(self) -> list[tuple[object, ...]]:
        """All rows that money could change."""
        tables = ("account", "spent_serial", "journal")
        return [(table, *row) for table in tables for row in sorted(self.sql(f"SELECT * FROM {table}"), key=repr)]


class Buyer:
    """Somebody with an account, who talks HTTP."""

    def __init__(self, counter: Counter, name: str) -> None:
        self.counter, self.name = counter, name
        self.client = self.visitor(counter)
        counter.clients.append(self.client)
        self.post("/en/signup", username=name, password=secrets.token_hex(10), country="se")
        self.reference = ""

    @staticmethod
    def visitor(counter: Counter) -> httpx.Client:
        """Somebody without an account yet, at an address of her own on loopback."""
        place = httpx.HTTPTransport(local_address=f"127.{secrets.randbelow(250) + 2}.{secrets.randbelow(250)}.9")
        headers = {"Origin": counter.url}
        return httpx.Client(base_url=counter.url, transport=place, headers=headers, trust_env=False, timeout=PATIENCE)

    def post(self, path: str, **form: str) -> httpx.Response:
        """A form sent."""
        return self.client.post(path, data=form)

    def order(self, method: str, currency: str, country: str, **more: str) -> str:
        """Orders a year, and returns the sealed order."""
        form = {"package": "subscription-12", "currency": currency, "country": country, "confirmed": "yes"}
        answer = self.post("/en/account/buy", method=method, **(form | more))
        assert answer.status_code == 302, f"the order was refused: {answer.status_code}"
        self.reference = self.client.cookies["order"]
        return self.reference

    def pay_swish(self) -> str:
        """Says yes in the app; the fake calls back. The payment's id."""
        identity = next(reversed(self.counter.swish.payments))
        self.counter.swish.pay(identity)
        return identity

    def pay_coins(self, part: Fraction = Fraction(1)) -> str:
        """Sends a coin."""
        identity = self.counter.coins.by_order(self.reference)
        self.counter.coins.pay(identity, part)
        if self.counter.coins.invoices[identity].status == "pending":
            self.counter.coins.accept(identity)
        return identity

    def pay_card(self) -> str:
        """Types a card. The transaction's id."""
        answer = self.post("/en/account/checkout", nonce=nonce(self.counter.cards, CARD))
        assert answer.status_code == 302
        name = next(reversed(self.counter.cards.vault.transactions))
        self.counter.cards.settle(name)
        return name

    def pay_monero(self) -> tuple[str, str]:
        """Pays what the page shows, in ten blocks. Address and transaction."""
        chain = self.counter.chain
        assert chain is not None
        shown = self.client.get("/en/account/checkout").text
        address, amount = _shown(shown)
        txid = chain.pay(address, int(Decimal(amount) * 10**12))
        chain.mine(10)
        return address, txid

    def settled(self) -> bool:
        """Whether the account has its time before the deadline; she looks at the return page meanwhile."""

        def paid() -> bool:
            self.client.get("/en/paid/state")
            return self.counter.expiry(self.name) is not None

        return until(paid)


def _shown(page: str) -> tuple[str, str]:
    """Address and amount on the page of an open Monero payment."""
    (address,) = set(re.findall(r"\b[48][0-9A-Za-z]{94}\b", page))
    amount = re.findall(r"\b(\d+\.\d{6,12})(?: XMR)?\b", page)
    return address, amount[0]
