"""Braintree's fake and our provider, for the shared suite: a card is paid at once, webhooks tell of what follows."""

import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.contract.payments.suite import Button, Clock, Door, Shop, Trouble, patched
from tyst.core import keyring
from tyst.core.keyring import Keyring
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.owner import OWNER
from tyst.lab.shop import braintree_wire
from tyst.lab.shop.braintree import MERCHANT, FakeBraintree
from tyst.lab.shop.braintree_vault import GOOD_CARD, SOFT_DECLINE
from tyst.payments.braintree import client as wire
from tyst.payments.braintree.client import Client, Sale
from tyst.payments.braintree.provider import Braintree, build
from tyst.payments.provider import Callback, Checkout, Event, Provider

FORM = {"content-type": "application/x-www-form-urlencoded"}


def nonce(fake: FakeBraintree, number: str) -> str:
    """What the hosted fields make of a typed card, over HTTP as the frame does it."""
    card = {"number": number, "cvv": "123", "expirationDate": "12/2030"}
    told = {"authorizationFingerprint": fake.fingerprint, "creditCard": card}
    api = f"{fake.fields}/merchants/{MERCHANT}/client_api/v1/payment_methods/credit_cards"
    answer = httpx.post(api, json=told, trust_env=False, timeout=10)
    return str(answer.json()["creditCards"][0]["nonce"])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def write_keys(state: Path) -> None:
    """The site's keyring, as far as mandates need it."""
    (state / "site.keys").write_bytes(
        keyring.to_text(Keyring("site", {}, secrets={OWNER: secrets.token_bytes(32)})).encode()
    )


class Cards(Shop):
    """Braintree."""

    name = "braintree"
    buttons = frozenset({Button.PAY, Button.DECLINE, Button.RETURN})
    provider: Braintree

    def __init__(self, fake: FakeBraintree, state: Path, clock: Clock) -> None:
        self.fake, self.clock, self._state = fake, clock, state
        self.provider = build(fake.answers(), state, clock.now)

    def press(
        self, button: Button, order: Order, reference: str, checkout: Checkout, amount: Money | None = None
    ) -> Sequence[Event]:
        if button is Button.RETURN:
            self.fake.dispute(self._newest(reference))
            return ()
        card = nonce(self.fake, GOOD_CARD if button is Button.PAY else SOFT_DECLINE)
        if not self.provider.offers(order):
            return ()
        event = self.provider.pay(order, reference, {"nonce": card})
        if button is Button.PAY:
            self.fake.settle(event.payment)
        return (event,)

    def forgeries(self, true: Callback, other: str) -> Mapping[str, Callback]:
        subject = braintree_wire.transaction(self.fake.vault.transactions[self._newest("")]) | {"order_id": other}
        payload = braintree_wire.notification("transaction_disbursed", ("transaction", subject), self.fake.now())
        old = self.fake.now().replace(year=2020)
        stale = braintree_wire.notification("transaction_disbursed", ("transaction", subject), old)
        mine, hers = ("mallory", "mallorys key"), (self.fake.public_key, self.fake.private_key)
        truly = true.body.decode().partition("&bt_payload")[0]
        bodies = {
            "signed by another merchant": braintree_wire.form(payload, *mine),
            "another's key under our name": braintree_wire.form(payload, hers[0], mine[1]),
            "a true signature over other words": braintree_wire.form(payload, *hers).replace(b"bt_signature", b"x")
            + b"&"
            + truly.encode(),
            "truly signed, six years old": braintree_wire.form(stale, *hers),
            "two signatures": braintree_wire.form(payload, *mine) + b"&" + true.body,
        }
        return {name: Callback("", FORM, body) for name, body in bodies.items()}

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Believes any signature, and the words of the webhook instead of the gateway's."""

        def read_back(told: Sale) -> Sale:
            return told

        gateway = self.provider._client._gateway.webhook_notification
        with ExitStack() as stack:
            stack.enter_context(patched(gateway, "_WebhookNotificationGateway__validate_signature", lambda *_: None))
            stack.enter_context(patched(self.provider, "_read_back", read_back))
            yield

    def unguarded(self) -> AbstractContextManager[None]:
        return self._open()

    @contextmanager
    def trouble(self, trouble: Trouble) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(patched(wire, "PATIENCE", 0.3))
            if trouble is Trouble.DOWN:
                account = wire.Account("own", MERCHANT, "x", "y", f"https://localhost:{free_port()}", self._authority())
                stack.enter_context(patched(self.provider, "_client", Client(account)))
            words = {Trouble.SLOW: "slow", Trouble.GARBAGE: "garbage", Trouble.ERROR: "error", Trouble.CUT: "cut"}
            stack.enter_context(patched(self.fake, "trouble", words.get(trouble, "")))
            yield

    def stranger(self) -> Provider:
        return build(self.fake.answers(private_key="not the key"), self._state, self.clock.now)

    def markers(self) -> Sequence[str]:
        return (GOOD_CARD, GOOD_CARD[-4:], "Lab Savings Bank", self.fake.private_key, "lab_garbage")

    def tell_again(self) -> None:
        self.fake.tell("transaction_disbursed", self.fake.vault.transactions[self._newest("")])

    def given_back(self, order: Order, reference: str) -> Sequence[Money]:
        """Refunds, and sales that were voided."""
        found = [one for one in self.fake.vault.transactions.values() if one.order == reference]
        back = [one for one in found if one.type == "credit" or one.status == "voided"]
        return [Money(int(one.amount * 100), one.currency) for one in back]

    def refused(self) -> Sequence[Order]:
        return [self.order(method="swish", total=Money(5900, "SEK"))]

    def _newest(self, reference: str) -> str:
        found = self.fake.vault.transactions.values()
        return [one.id for one in found if one.type == "sale" and one.order.startswith(reference)][-1]

    def _authority(self) -> str:
        return self.fake.answers()["environment"].split()[2]


@contextmanager
def shop(state: Path, door: Door, clock: Clock) -> Iterator[Shop]:
    """Starts the fake; its webhooks go to the door."""
    write_keys(state)
    with FakeBraintree(clock.now) as fake:
        fake.call_at(door.address("braintree"))
        yield Cards(fake, state, clock)
