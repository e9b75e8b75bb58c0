"""What Braintree alone has, over its fake's real wire: declines, two tabs, voids and refunds, disputes, forged webhooks,
mandates and renewals, and what our side of the SDK does to the connection.
"""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract.payments.shops.braintree import FORM, nonce, write_keys
from tests.contract.payments.suite import SINCE, Clock, patched
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.refund import Refund
from tyst.lab.shop import braintree_wire
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.braintree_vault import GOOD_CARD, HARD_DECLINE, SOFT_DECLINE, Transaction
from tyst.payments.braintree import client as wire
from tyst.payments.braintree.client import Account, Client
from tyst.payments.braintree.provider import PAUSE, Braintree, build
from tyst.payments.config import ConfigError
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Agreed, Callback, Event, ForgedError, PaymentError, What

DAY = timedelta(days=1)


class Town:
    """Braintree's fake, our provider, and Alice with her orders."""

    def __init__(self, state: Path) -> None:
        write_keys(state)
        self.clock, self.state = Clock(), state
        self.fake = FakeBraintree(self.clock.now)
        self.provider: Braintree = build(self.fake.answers(), state, self.clock.now)
        self.keys = OrderKeys(state, self.clock.seconds)
        self._serial = 0

    def order(self, **changes: object) -> tuple[Order, str]:
        """A new order of Alice's and its text."""
        self._serial += 1
        usual: dict[str, object] = {"product": Product.SUBSCRIPTION, "months": 12, "days": 0, "renews": False}
        usual |= {"total": Money(5900, "EUR"), "country": "de", "rate": 1900, "language": "en", "vat_id": ""}
        serial = f"serial{self._serial:02}".encode()
        told = {"method": "braintree", "serial": serial, "username": "alice", "since": SINCE} | usual | changes
        order = Order(**told)  # type: ignore[arg-type]
        return order, self.keys.seal(order)

    def pay(self, order: Order, reference: str, card: str = GOOD_CARD) -> Event:
        """Alice types a card."""
        return self.provider.pay(order, reference, {"nonce": nonce(self.fake, card)})

    def buy(self, card: str = GOOD_CARD, **changes: object) -> tuple[Order, str, Event]:
        """An order, paid or declined."""
        order, reference = self.order(**changes)
        return order, reference, self.pay(order, reference, card)

    def sweep(self) -> dict[str, What]:
        """What the sweep tells, by reference."""
        return {event.reference: event.what for event in self.provider.sweep(self.clock.now())}

    def sales(self, reference: str) -> list[Transaction]:
        """The gateway's own view of an order."""
        return [one for one in self.fake.vault.transactions.values() if one.order == reference and one.type == "sale"]

    def hear(self, body: bytes) -> list[Event]:
        """A webhook."""
        return list(self.provider.hear(Callback("", FORM, body)))

    def mandate(self) -> str:
        """The name of Alice's mandate, as the site and the jobs know it."""
        return self.provider._names.of_order(self.order()[0])


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    one = Town(tmp_path)
    yield one
    one.fake.close()


def refund_of(order: Order, event: Event) -> Refund:
    return Refund(order.method, event.payment, order.serial, order.username, order.total, order.country, order.rate)


def test_the_orders_text_is_the_order_id_and_fits_braintrees_255_characters(town: Town) -> None:
    _, reference, event = town.buy()
    assert event.what is What.PAID and town.fake.vault.find(event.payment).order == reference
    assert town.pay(town.order()[0], "A" * 256).what is What.FAILED
    assert len(town.fake.vault.transactions) == 1


def test_nothing_of_alice_but_amount_order_and_card_is_told_to_braintree(town: Town) -> None:
    order, reference, _ = town.buy(renews=True)
    town.provider.renew(*town.order(renews=True), town.mandate())
    said = " ".join(body for _, _, body in town.fake.heard).lower()
    assert order.total.wire() in said and reference.lower() in said
    for name in (
        "alice",
        "email",
        "first_name",
        "last_name",
        "billing",
        "address",
        "ip>",
        "device",
        "phone",
        town.mandate(),
    ):
        assert name not in said, name


def test_a_declined_card_costs_nothing_and_a_good_one_follows(town: Town) -> None:
    order, reference, event = town.buy(SOFT_DECLINE)
    assert event.what is What.FAILED and town.sweep() == {reference: What.FAILED}
    assert town.pay(order, reference).what is What.PAID
    assert town.sweep() == {reference: What.PAID}


def test_pressing_twice_charges_once(town: Town) -> None:
    order, reference = town.order()
    card = nonce(town.fake, GOOD_CARD)
    first = town.provider.pay(order, reference, {"nonce": card})
    assert town.provider.pay(order, reference, {"nonce": card}) == first
    assert town.pay(order, reference) == first
    assert len(town.sales(reference)) == 1


def test_pressing_twice_at_once_charges_once(town: Town) -> None:
    order, reference = town.order()
    told: list[object] = []
    start = threading.Barrier(4)

    def press() -> None:
        card = nonce(town.fake, GOOD_CARD)
        start.wait()
        try:
            told.append(town.provider.pay(order, reference, {"nonce": card}).what)
        except PaymentError:
            told.append("busy")

    people = [threading.Thread(target=press) for _ in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join(30)
    assert What.PAID in told and len(told) == 4
    assert len(town.sales(reference)) == 1


def test_what_two_processes_charged_twice_the_sweep_gives_back_once(town: Town) -> None:
    order, reference = town.order()
    with patched(town.provider, "look", lambda *_: None):
        events = [town.pay(order, reference), town.pay(order, reference)]
    assert [event.what for event in events] == [What.PAID, What.PAID]
    assert town.sweep() == {reference: What.PAID} == town.sweep()
    assert sorted(one.status for one in town.sales(reference)) == ["submitted_for_settlement", "voided"]
    look = town.provider.look(order, reference)
    assert look is not None and look.what is What.PAID


def test_a_refund_voids_before_settlement_and_refunds_afterwards(town: Town) -> None:
    order, reference, event = town.buy()
    assert town.provider.refund(refund_of(order, event)) and town.provider.refund(refund_of(order, event))
    assert town.fake.vault.find(event.payment).status == "voided"
    other, later, paid = town.buy()
    town.fake.vault.settle(paid.payment)
    assert town.provider.refund(refund_of(other, paid)) and town.provider.refund(refund_of(other, paid))
    assert len(town.fake.vault.find(paid.payment).refunds) == 1
    assert town.sweep() == {reference: What.RETURNED, later: What.RETURNED}


def test_a_refund_code_for_another_amount_or_payment_gives_nothing(town: Town) -> None:
    order, _, event = town.buy()
    for payment, total in ((event.payment, Money(5901, "EUR")), ("nosuch", order.total), ("../customers", order.total)):
        asked = Refund("braintree", payment, order.serial, "alice", total, "de", 1900)
        assert town.provider.refund(asked) is False
    assert town.fake.vault.find(event.payment).status == "submitted_for_settlement"


def test_what_the_operator_gives_back_by_hand_counts_when_it_is_all_of_it(town: Town) -> None:
    _, reference, event = town.buy()
    town.fake.vault.settle(event.payment)
    town.fake.vault.refund(event.payment, {"amount": "10.00"})
    assert town.sweep() == {reference: What.PAID}
    town.clock.ahead += 10 * DAY
    town.fake.vault.refund(event.payment, {})
    assert town.sweep() == {reference: What.RETURNED}


@pytest.mark.parametrize(
    ("kind", "status", "what"),
    [
        ("chargeback", "open", What.RETURNED),
        ("pre_arbitration", "lost", What.RETURNED),
        ("chargeback", "won", What.PAID),
        ("retrieval", "open", What.PAID),
    ],
)
def test_a_chargeback_takes_the_money_and_a_question_does_not(town: Town, kind: str, status: str, what: What) -> None:
    _, reference, event = town.buy()
    town.fake.vault.settle(event.payment)
    town.clock.ahead += 25 * DAY
    made = town.fake.vault.dispute(event.payment, kind, status)
    subject = braintree_wire.dispute(town.fake.vault.find(event.payment), made)
    told = town.hear(town.fake.webhook("dispute_opened", ("dispute", subject)))
    assert [(one.reference, one.what) for one in told] == [(reference, what)]
    assert town.sweep() == {reference: what}


def test_webhooks_that_braintree_did_not_send_to_us_now_are_forged(town: Town) -> None:
    _, _, event = town.buy()
    subject = ("transaction", braintree_wire.transaction(town.fake.vault.find(event.payment)))
    fresh = braintree_wire.notification("transaction_disbursed", subject, town.clock.now())
    old = braintree_wire.notification("transaction_disbursed", subject, town.clock.now() - 3 * DAY)
    ahead = braintree_wire.notification("transaction_disbursed", subject, town.clock.now() + 3 * DAY)
    ours = (town.fake.public_key, town.fake.private_key)
    assert [one.what for one in town.hear(braintree_wire.form(fresh, *ours))] == [What.PAID]
    bad = {
        "another merchant": braintree_wire.form(fresh, "their_public", "their_private"),
        "our name, another's key": braintree_wire.form(fresh, ours[0], "their_private"),
        "three days old": braintree_wire.form(old, *ours),
        "from days to come": braintree_wire.form(ahead, *ours),
        "one letter changed": braintree_wire.form(fresh, *ours).replace(b"bt_payload=P", b"bt_payload=Q"),
        "no signature": braintree_wire.form(fresh, *ours).partition(b"&")[2],
        "a signature of three parts": braintree_wire.form(fresh, *ours).replace(b"%7C", b"%7Cx%7C"),
    }
    for name, body in bad.items():
        with pytest.raises(ForgedError):
            town.hear(body)
            pytest.fail(name)


def test_a_webhook_about_nothing_of_ours_tells_nothing(town: Town) -> None:
    _, _, event = town.buy()
    one = braintree_wire.transaction(town.fake.vault.find(event.payment))
    for kind, subject in (
        ("check", ("check", True)),
        ("transaction_disbursed", ("transaction", one | {"id": "nosuch"})),
        (
            "subscription_canceled",
            ("subscription", {"id": "x", "price": "1.00", "transactions": [], "status": "Canceled"}),
        ),
    ):
        assert town.hear(town.fake.webhook(kind, subject)) == []


def test_a_webhooks_own_words_count_for_nothing(town: Town) -> None:
    _, reference, event = town.buy()
    _, mallorys = town.order(username="mallory")
    words = braintree_wire.transaction(town.fake.vault.find(event.payment)) | {
        "order_id": mallorys,
        "amount": "9999.00",
    }
    told = town.hear(town.fake.webhook("transaction_disbursed", ("transaction", words)))
    assert [(one.reference, one.paid) for one in told] == [(reference, Money(5900, "EUR"))]


def test_other_sales_of_the_same_merchant_are_left_alone(town: Town) -> None:
    _, reference, event = town.buy()
    other = town.fake.vault.find(event.payment)
    other.order = "shirt-17"
    assert town.sweep() == {}
    assert (
        town.hear(town.fake.webhook("transaction_disbursed", ("transaction", braintree_wire.transaction(other)))) == []
    )
    assert reference not in town.sweep()


def test_a_mandate_is_made_only_where_it_was_asked_for_and_can_be_kept(town: Town) -> None:
    cases: tuple[dict[str, Any], ...] = ({}, {"vat_id": "SE556000000001"}, {"product": Product.MULTIHOP})
    for changes in cases:
        town.buy(**({"renews": bool(changes)} | changes))
        assert not town.provider.has_mandate(town.mandate())
    assert town.fake.vault.customers == {}
    town.buy(HARD_DECLINE, renews=True)
    assert not town.provider.has_mandate(town.mandate())
    town.buy(renews=True)
    assert town.provider.has_mandate(town.mandate())
    assert town.provider.agreed(town.mandate()) == Agreed(12, "EUR")


def test_braintrees_name_for_a_customer_is_not_the_one_in_our_tables(town: Town) -> None:
    town.buy(renews=True)
    (name,) = town.fake.vault.customers
    assert len(name) <= 36 and name not in town.mandate() and name[:8] not in town.mandate()


@pytest.mark.parametrize("names_cards", [True, False])
def test_a_new_mandate_replaces_the_old_one(town: Town, names_cards: bool) -> None:
    town.fake.vault.names_cards = names_cards
    town.buy(renews=True)
    town.buy(renews=True, months=1, total=Money(9900, "SEK"))
    (cards,) = town.fake.vault.customers.values()
    assert len(cards) == 1 and town.provider.agreed(town.mandate()) == Agreed(1, "SEK")


def test_a_renewal_charges_the_vaulted_card_exactly_once(town: Town) -> None:
    town.buy(renews=True, months=1)
    town.clock.ahead += 28 * DAY
    order, reference = town.order(renews=True, months=1)
    first = town.provider.renew(order, reference, town.mandate())
    assert (first.what, first.reference) == (What.PAID, reference)
    for days in (0, 1, 3, 15):
        town.clock.ahead += days * DAY
        again = town.provider.renew(*town.order(renews=True, months=1), town.mandate())
        assert again == first
    assert len(town.fake.vault.transactions) == 2
    town.clock.ahead += PAUSE
    assert town.provider.renew(*town.order(renews=True, months=1), town.mandate()).reference != reference


def test_two_renewals_at_once_are_one_charge(town: Town) -> None:
    town.buy(renews=True, months=1)
    town.clock.ahead += 28 * DAY
    with patched(town.provider, "_recent", lambda _: None):
        events = [town.provider.renew(*town.order(renews=True), town.mandate()) for _ in range(2)]
    assert events[0] == events[1] and len(town.fake.vault.transactions) == 2


def test_a_renewal_that_broke_off_after_the_charge_is_found_again(town: Town) -> None:
    town.buy(renews=True, months=1)
    town.clock.ahead += 28 * DAY
    order, reference = town.order(renews=True, months=1)
    with patched(town.provider._client, "sale", _breaks_off(town.provider._client)), pytest.raises(PaymentError):
        town.provider.renew(order, reference, town.mandate())
    assert town.sweep()[reference] is What.PAID
    assert town.provider.renew(*town.order(renews=True), town.mandate()).reference == reference


def _breaks_off(client: Client) -> object:
    charge = client.sale

    def sale(parameters: dict[str, object]) -> None:
        charge(parameters)
        raise PaymentError("the answer did not come")

    return sale


def test_a_renewal_declined_for_good_ends_the_mandate_and_another_does_not(town: Town) -> None:
    town.buy(renews=True)
    (cards,) = town.fake.vault.customers.values()
    (token,) = cards
    for number, stays in ((SOFT_DECLINE, True), (HARD_DECLINE, False)):
        town.clock.ahead += 25 * DAY
        cards[token] = type(cards[token])(number, "12", "2030")
        assert town.provider.renew(*town.order(renews=True), town.mandate()).what is What.FAILED
        assert town.provider.has_mandate(town.mandate()) is stays
    assert town.provider.renew(*town.order(renews=True), town.mandate()).what is What.FAILED


def test_stopping_takes_the_card_out_of_the_vault_and_may_be_said_twice(town: Town) -> None:
    town.buy(renews=True)
    town.provider.stop(town.mandate())
    town.provider.stop(town.mandate())
    assert town.fake.vault.customers == {} and not town.provider.has_mandate(town.mandate())


def test_cards_of_accounts_that_are_gone_leave_the_vault_and_no_others(town: Town) -> None:
    town.buy(renews=True)
    town.buy(renews=True, username="bob")
    town.fake.vault.customers["a-customer-of-another-shop"] = {}
    assert town.provider.tidy([town.mandate(), "00" * 32]) == 1
    assert town.provider.has_mandate(town.mandate()) and len(town.fake.vault.customers) == 2


def test_another_shops_state_folder_does_not_empty_the_vault(town: Town) -> None:
    for number in range(25):
        town.fake.vault.customers[f"{number:032x}"] = {}
    with pytest.raises(PaymentError, match="nothing was removed"):
        town.provider.tidy([])
    assert len(town.fake.vault.customers) == 25


def test_who_takes_the_money_back_is_not_charged_again(town: Town) -> None:
    order, _, event = town.buy(renews=True)
    assert town.provider.refund(refund_of(order, event))
    assert not town.provider.has_mandate(town.mandate())
    _, _, charged = town.buy(renews=True)
    town.fake.dispute(charged.payment)
    town.sweep()
    assert not town.provider.has_mandate(town.mandate())


def test_another_account_of_the_same_name_has_another_mandate(town: Town) -> None:
    town.buy(renews=True)
    later = town.provider._names.of_order(town.order(since=SINCE + timedelta(hours=1))[0])
    assert not town.provider.has_mandate(later)


def test_a_gateway_with_another_authoritys_certificate_is_not_spoken_to(town: Town, tmp_path: Path) -> None:
    with FakeBraintree() as mallorys:
        theirs = mallorys.answers()["environment"].split()
        ours = town.fake.answers()["environment"].split()
        answers = town.fake.answers(environment=" ".join((theirs[0], theirs[1], ours[2])))
        with pytest.raises(PaymentError):
            build(answers, tmp_path, town.clock.now).check()
        assert mallorys.heard == []


def test_braintrees_own_hosts_are_asked_over_tls_with_the_sdks_authorities() -> None:
    for name, host in (("production", "api.braintreegateway.com"), ("sandbox", "api.sandbox.braintreegateway.com")):
        configuration = Client(Account(name, "m", "p", "k"))._gateway.config
        assert configuration.base_url() == f"https://{host}:443"
        authorities = configuration.http_strategy()._context.get_ca_certs()
        assert 0 < len(authorities) < 60


def test_a_proxy_of_the_environment_is_not_used(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert town.provider.check().startswith("Braintree accepts")


def test_merchant_accounts_are_checked_against_their_currencies(town: Town, tmp_path: Path) -> None:
    crossed = build(town.fake.answers(account_eur="tyst_usd"), tmp_path, town.clock.now)
    with pytest.raises(PaymentError, match="EUR"):
        crossed.check()
    euro = build(town.fake.answers(account_sek="", account_usd=""), tmp_path, town.clock.now)
    assert euro.offers(town.order()[0])
    assert not euro.offers(town.order(total=Money(9900, "SEK"))[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "elsewhere"},
        {"merchant_id": ""},
        dict.fromkeys(("account_eur", "account_sek", "account_usd"), ""),
    ],
)
def test_answers_that_cannot_work_are_refused_in_a_sentence(
    town: Town, tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="braintree"):
        build(town.fake.answers(**changes), tmp_path, town.clock.now)


def test_without_the_sites_keys_nobody_is_charged_for_a_mandate(tmp_path: Path, town: Town) -> None:
    (town.state / "site.keys").unlink()
    with pytest.raises(PaymentError, match=r"site\.keys"):
        town.buy(renews=True)
    assert town.fake.vault.transactions == {}
    assert wire.PATIENCE > 5
