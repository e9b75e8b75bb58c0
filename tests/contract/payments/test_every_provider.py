"""What every processor's provider must do, whatever its wire looks like: each test runs once for each shop.

Alice buys a year. Mallory has read what the processor sent about her and would like it to count for his own order. Each
proof that a forgery changes nothing stands beside the same forgery doing harm to a provider whose check is taken out.
"""

import itertools
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.contract.payments.suite import BACK, PATIENCE, Button, Door, Shop, Till, Trouble, within
from tyst.core.money import Money
from tyst.core.order import METHODS, Order
from tyst.core.refund import Refund
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Callback, Checkout, ForgedError, PaymentError, What

DAY = timedelta(days=1)
SERIALS = (f"order{number:03}".encode() for number in itertools.count())


class Sale:
    """One order of Alice's at one shop: opened, paid, and what the processor posted about it."""

    def __init__(self, shop: Shop, keys: OrderKeys, door: Door, till: Till, **changes: object) -> None:
        self.shop, self.door, self.till = shop, door, till
        self.order: Order = shop.order(next(SERIALS), **changes)
        self.reference = keys.seal(self.order)
        self.checkout: Checkout = shop.provider.begin(
            self.order, self.reference, back=BACK, callback=door.address(shop.name)
        )

    def press(self, button: Button, amount: Money | None = None) -> None:
        """The buyer's act, and whatever the provider tells at once."""
        for event in self.shop.press(button, self.order, self.reference, self.checkout, amount):
            self.till.take(event)

    def callbacks(self, at_least: int = 1) -> list[Callback]:
        """What came in at our door about this shop; waits for the first."""
        if self.shop.calls_back:
            assert within(PATIENCE, lambda: len(self.door.heard) >= at_least)
        return list(self.door.heard)

    def tell(self) -> None:
        """All ways by which we learn of a payment: callbacks, the buyer's return page, the sweep."""
        for callback in self.callbacks() if self.shop.calls_back else []:
            self.till.hear(callback)
        event = self.shop.provider.look(self.order, self.reference)
        if event is not None:
            self.till.take(event)
        self.till.sweep(self.shop.now())

    @property
    def granted(self) -> int:
        """How often Alice got her year."""
        return self.till.granted.count(self.order.serial)


@pytest.fixture
def sale(shop: Shop, keys: OrderKeys, door: Door, till: Till) -> Sale:
    return Sale(shop, keys, door, till)


def test_a_paid_order_grants_once_however_it_is_told(sale: Sale) -> None:
    sale.press(Button.PAY)
    sale.tell()
    sale.tell()
    assert sale.granted == 1
    assert sale.till.paid[sale.order.serial].paid == sale.order.total


def test_an_open_order_grants_nothing(sale: Sale) -> None:
    event = sale.shop.provider.look(sale.order, sale.reference)
    assert event is None or event.what in (What.SEEN, What.FAILED)
    sale.till.sweep(sale.shop.now())
    assert sale.granted == 0


def test_callbacks_twice_and_in_every_order_grant_once(sale: Sale, keys: OrderKeys) -> None:
    sale.press(Button.PAY)
    if not sale.shop.calls_back:
        with pytest.raises(PaymentError):
            sale.shop.provider.hear(Callback(sale.reference, {}, b"{}"))
        return
    said = sale.callbacks()
    for order in itertools.islice(itertools.permutations(said), 24):
        fresh = Till(keys, sale.shop.provider)
        for callback in (*order, *order):
            fresh.hear(callback)
        assert fresh.granted == [sale.order.serial]


def test_an_hour_later_the_processor_tells_again_and_it_counts(sale: Sale) -> None:
    sale.press(Button.PAY)
    if not sale.shop.calls_back:
        return
    sale.callbacks()
    sale.door.heard.clear()
    sale.shop.later(timedelta(hours=1))
    sale.shop.tell_again()
    for callback in sale.callbacks():
        sale.till.hear(callback)
    assert sale.granted == 1


def test_mallorys_forgeries_change_nothing(sale: Sale, shop: Shop, keys: OrderKeys, door: Door, till: Till) -> None:
    if not shop.calls_back:
        return
    mallory = Sale(shop, keys, door, till, username="mallory")
    door.heard.clear()
    sale.press(Button.PAY)
    true = sale.callbacks()
    for name, forged in shop.forgeries(true[-1], mallory.reference).items():
        try:
            till.hear(forged)
        except PaymentError:
            continue
        assert mallory.granted == 0, name
    assert mallory.granted == 0
    for callback in true:
        till.hear(callback)
    assert (sale.granted, mallory.granted) == (1, 0)


def test_without_our_check_a_forgery_would_count(
    sale: Sale, shop: Shop, keys: OrderKeys, door: Door, till: Till
) -> None:
    if not shop.calls_back:
        return
    mallory = Sale(shop, keys, door, till, username="mallory")
    door.heard.clear()
    sale.press(Button.PAY)
    with shop.unguarded():
        for forged in shop.forgeries(sale.callbacks()[-1], mallory.reference).values():
            try:
                till.hear(forged)
            except (PaymentError, ValueError):
                continue
    assert mallory.granted == 1


def test_what_is_no_callback_at_all_is_refused(shop: Shop, till: Till) -> None:
    for body in (b"", b"{}", b"[]", b"null", b"\xff\xfe", b"1" * 5000, b'{"id":' * 2000, b'{"status":"PAID"}'):
        for path in ("", "x", "a/b", "A" * 151, "../..", "%00"):
            with pytest.raises(PaymentError):
                till.hear(Callback(path, {"content-type": "application/json"}, body))
    assert till.granted == []


@pytest.mark.parametrize("button", [Button.DECLINE, Button.EXPIRE])
def test_what_was_not_paid_grants_nothing(sale: Sale, button: Button) -> None:
    if button not in sale.shop.buttons:
        return
    sale.press(button)
    for callback in list(sale.door.heard):
        sale.till.hear(callback)
    event = sale.shop.provider.look(sale.order, sale.reference)
    assert event is None or event.what is What.FAILED
    sale.till.sweep(sale.shop.now())
    assert sale.granted == 0


def test_when_the_callback_is_lost_the_return_page_finds_the_payment(sale: Sale) -> None:
    sale.press(Button.PAY)
    sale.door.heard.clear()
    sale.shop.forget()
    event = sale.shop.provider.look(sale.order, sale.reference)
    assert event is not None and event.what is What.PAID
    sale.till.take(event)
    assert sale.granted == 1


def test_when_nobody_comes_back_the_sweep_finds_the_payment(sale: Sale) -> None:
    sale.press(Button.PAY)
    sale.door.heard.clear()
    if sale.shop.sweeps:
        sale.shop.forget()
    sale.till.sweep(sale.shop.now())
    sale.till.sweep(sale.shop.now())
    assert sale.granted == 1


def test_an_order_of_another_way_to_pay_is_not_this_providers(
    shop: Shop, keys: OrderKeys, door: Door, till: Till
) -> None:
    others = [name for name in METHODS if name != shop.name]
    foreign = Sale(shop, keys, door, till, method=others[0])
    foreign.press(Button.PAY)
    for callback in list(door.heard):
        till.hear(callback)
    assert foreign.granted == 0


def test_only_what_can_be_paid_here_is_offered(shop: Shop) -> None:
    assert shop.provider.offers(shop.order())
    assert [shop.provider.offers(order) for order in shop.refused()] == [False] * len(shop.refused())


@pytest.mark.parametrize("part", [50, 98, 103])
def test_a_coins_part_arrives_as_a_part(sale: Sale, part: int) -> None:
    if not sale.shop.parts:
        return
    total = sale.order.total
    sale.press(Button.PAY, total.share(part, 100))
    sale.tell()
    event = sale.till.paid[sale.order.serial]
    kept = total.share(part if sale.shop.excess else min(part, 100), 100)
    assert event.paid is not None and abs(event.paid.minor - kept.minor) <= 1


def test_a_refund_gives_all_of_it_back_once(sale: Sale) -> None:
    sale.press(Button.PAY)
    sale.tell()
    event = sale.till.paid[sale.order.serial]
    order = sale.order
    refund = Refund(order.method, event.payment, order.serial, order.username, order.total, order.country, order.rate)
    assert sale.shop.provider.refund(refund) is sale.shop.returns
    assert sale.shop.provider.refund(refund) is sale.shop.returns
    if sale.shop.returns:
        assert sale.shop.given_back(sale.order, sale.reference) == [order.total]


def test_money_taken_back_by_the_processor_is_told_as_returned(sale: Sale) -> None:
    if Button.RETURN not in sale.shop.buttons:
        return
    sale.press(Button.PAY)
    sale.tell()
    sale.door.heard.clear()
    sale.press(Button.RETURN)
    sale.tell()
    sale.tell()
    assert sale.till.returned == [sale.order.serial]


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_processor_in_trouble_is_one_sentence_of_ours(
    shop: Shop, keys: OrderKeys, door: Door, trouble: Trouble
) -> None:
    order = shop.order(next(SERIALS))
    reference = keys.seal(order)
    refund = Refund(order.method, "A" * 32, order.serial, order.username, order.total, order.country, order.rate)
    shop.provider.begin(order, reference, back=BACK, callback=door.address(shop.name))
    other = shop.order(next(SERIALS))
    asks: dict[str, Callable[[], object]] = {
        "begin": lambda: shop.provider.begin(other, keys.seal(other), back=BACK, callback=door.address(shop.name)),
        "look": lambda: shop.provider.look(order, reference),
        "sweep": lambda: list(shop.provider.sweep(shop.now())),
        "refund": lambda: shop.provider.refund(refund),
        "check": lambda: shop.provider.check(),
    }
    with shop.trouble(trouble):
        for name, ask in asks.items():
            if name == "refund" and not shop.returns:
                continue
            with pytest.raises(PaymentError) as raised:
                ask()
            _tells_nothing(raised.value, shop, (reference,))


def _tells_nothing(error: BaseException, shop: Shop, more: tuple[str, ...] = ()) -> None:
    """Neither the error's text nor what hangs on it, shown or not, has anything of the answer."""
    said = ""
    link: BaseException | None = error
    while link is not None:
        said += f"{link} {link!r} {link.args!r} {vars(link) if hasattr(link, '__dict__') else ''}"
        link = link.__cause__ or link.__context__
    for marker in (*shop.markers(), *more):
        assert marker not in said


def test_nothing_of_the_payer_is_in_what_a_provider_tells_or_logs(sale: Sale, caplog: pytest.LogCaptureFixture) -> None:
    shop = sale.shop
    with caplog.at_level(logging.DEBUG):
        sale.press(Button.PAY)
        sale.tell()
        event = shop.provider.look(sale.order, sale.reference)
    assert event is not None
    inside = [event.reference, event.payment, event.mandate, str(event.paid)]
    said = " ".join((repr(event), repr(sale.checkout), repr(shop.provider), repr(vars(shop.provider)), caplog.text))
    for marker in shop.markers():
        assert marker not in said
        assert all(marker not in text for text in inside)
    assert sale.reference not in said and sale.order.total.wire() not in said
    assert [record.name for record in caplog.records if record.name.startswith(("httpx", "httpcore", "tyst"))] == []


def test_the_reference_comes_back_as_it_went(sale: Sale) -> None:
    sale.press(Button.PAY)
    sale.tell()
    assert len(sale.reference) == 151
    assert sale.till.paid[sale.order.serial].reference == sale.reference


def test_credentials_are_checked_by_a_talk_with_the_processor(shop: Shop) -> None:
    sentence = shop.provider.check()
    assert sentence.endswith(".") and "\n" not in sentence
    assert all(marker not in sentence for marker in shop.markers())
    with pytest.raises(PaymentError) as raised:
        shop.stranger().check()
    _tells_nothing(raised.value, shop)


def test_who_cannot_charge_again_says_so(shop: Shop) -> None:
    if shop.provider.renews:
        return
    assert not shop.provider.has_mandate("00" * 32)
    shop.provider.stop("00" * 32)
    with pytest.raises(PaymentError):
        shop.provider.pay(shop.order(), "x", {})


def test_a_forged_callback_is_told_apart_from_a_processor_in_trouble(shop: Shop) -> None:
    with pytest.raises(ForgedError):
        shop.provider.hear(Callback("x", {}, b"{}"))
