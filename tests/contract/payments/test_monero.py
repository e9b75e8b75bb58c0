"""What only Monero has: the pool, confirmations, payments in parts, locked money, months that end, two who share a wallet.

Against monerod and wallet RPCs on a chain of their own; the clock is the tests'.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.payments.shops.monero import asked, chain
from tests.contract.payments.suite import BACK, SINCE, Clock, patched
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.core.rounding import month_of
from tyst.lab.shop.regtest import ChainError, Regtest, write_rates
from tyst.payments.monero import wallets
from tyst.payments.monero.provider import Monero, build
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Checkout, Event, What

SERIALS = (f"monero{number:02}".encode() for number in itertools.count())
TOTAL = Money(5900, "EUR")


class Till:
    """A shop's till over the test process's chain. Each has a state folder and order keys of its own."""

    def __init__(self, state: Path) -> None:
        self.chain: Regtest = chain()
        self.clock, self._state, self._rates = Clock(), state, state / "rates.json"
        self.fresh()
        self.answers = self.chain.answers(self._rates, month_of(self.clock.now()))
        self.keys = OrderKeys(state, self.clock.seconds)
        self.provider = self.another()

    def another(self) -> Monero:
        """One more provider over the same wallets, as the jobs have it beside the site."""
        return build(self.answers, self._state, self.clock.now)

    def fresh(self, **rates: str) -> None:
        """A rate of now."""
        write_rates(self._rates, self.clock.now, rates or None)

    def later(self, **much: float) -> None:
        """Time passes, the rate with it."""
        self.clock.ahead += timedelta(**much)
        self.fresh()

    def go(self, moment: datetime) -> None:
        """The clock says that moment."""
        self.later(seconds=(moment - self.clock.now()).total_seconds())

    def held(self, month: int) -> dict[str, str]:
        """Address by reference of all orders of a month."""
        with self.provider._wallets.month(month) as wallet:
            return {place.quote.reference: place.address for place in wallet.places()}

    def clear(self) -> None:
        """The chain is shared: the next test finds no wallet at all."""
        with suppress(ChainError):  # none may be open
            self.chain.shop.ask("close_wallet")
        for path in self.chain.wallets.glob("tyst-*"):
            path.unlink()

    def sale(self) -> "Sale":
        return Sale(self)

    def swept(self) -> list[str]:
        """References of all that a sweep finds paid."""
        return [event.reference for event in self.provider.sweep(self.clock.now())]


class Sale:
    """One of Alice's orders, at its address."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.order = Order(
            "monero", next(SERIALS), "alice", SINCE, Product.SUBSCRIPTION, 12, 0, TOTAL, "de", 1900, "en"
        )
        self.reference = till.keys.seal(self.order)
        self.checkout: Checkout = self.begin()
        self.address, self.asked = dict(self.checkout.lines)["address"], asked(self.checkout)

    def begin(self) -> Checkout:
        return self.till.provider.begin(self.order, self.reference, back=BACK, callback="")

    def pay(self, percent: int = 100, *, blocks: int = 10, unlock_time: int = 0) -> None:
        self.till.chain.pay(self.address, self.asked * percent // 100, unlock_time=unlock_time)
        self.till.chain.mine(blocks)

    def look(self) -> Event | None:
        return self.till.provider.look(self.order, self.reference)

    @property
    def told(self) -> tuple[What, Money | None]:
        event = self.look()
        assert event is not None and event.payment == ""
        return event.what, event.paid


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    yield Till(tmp_path)


def test_alices_payment_is_seen_in_the_pool_and_paid_after_ten_blocks(till: Till) -> None:
    sale = till.sale()
    assert sale.look() is None
    sale.pay(blocks=0)
    assert sale.told == (What.SEEN, TOTAL)
    till.chain.mine(9)
    assert sale.told == (What.SEEN, TOTAL)
    assert sale.reference not in till.swept()
    till.chain.mine(1)
    assert sale.told == (What.PAID, TOTAL)
    assert till.swept().count(sale.reference) == 1


def test_parts_add_up_and_too_little_waits_for_the_rest(till: Till) -> None:
    sale = till.sale()
    sale.pay(40)
    assert sale.told == (What.SEEN, TOTAL.share(40, 100))
    sale.pay(60)
    assert sale.told == (What.PAID, TOTAL)
    short = till.sale()
    short.pay(40)
    assert short.told[0] is What.SEEN
    till.later(hours=2)
    assert short.told == (What.PAID, TOTAL.share(40, 100))


def test_money_that_comes_late_is_worth_what_it_is_worth_then(till: Till) -> None:
    till.clock.ahead = -timedelta(hours=3)
    till.fresh()
    sale = till.sale()
    till.clock.ahead = timedelta()
    till.fresh(EUR="75.125")
    sale.pay()
    assert sale.told == (What.PAID, TOTAL.share(1, 2))
    till.clock.ahead = timedelta(hours=2)
    event = sale.look()
    assert event is not None and (event.what, event.paid) == (What.SEEN, None), "no fresh rate: it waits"


def test_mallory_cannot_pay_with_money_that_is_locked_for_a_century(till: Till) -> None:
    sale = till.sale()
    sale.pay(unlock_time=20_000_000)
    till.later(hours=2)
    assert sale.look() is None and sale.reference not in till.swept()

    with patched(wallets, "_is_money", lambda row: True):
        assert sale.told == (What.PAID, TOTAL), "without our check it would have counted"


def test_the_same_order_has_the_same_address_and_a_new_price_when_the_old_one_is_over(till: Till) -> None:
    sale = till.sale()
    assert sale.begin().lines == sale.checkout.lines
    till.clock.ahead += timedelta(hours=1)
    till.fresh(EUR="75.125")
    again = sale.begin()
    assert dict(again.lines)["address"] == sale.address and asked(again) == pytest.approx(2 * sale.asked, rel=1e-5)
    sale.pay(blocks=0)
    till.later(hours=1)
    assert sale.begin().lines == again.lines, "somebody has begun to pay: the price stays"


def test_a_months_wallet_is_watched_for_thirty_days_more_and_then_destroyed(till: Till) -> None:
    sale, unpaid = till.sale(), till.sale()
    sale.pay()
    month, folder = till.provider._wallets.current(), till.chain.wallets
    files = {path.name: path.read_bytes() for path in folder.glob(f"tyst-{month}*")}
    assert len(files) >= 2 and not any(
        b"alice" in content or sale.reference.encode() in content for content in files.values()
    )
    till.go(_end_of(month) + timedelta(hours=1))
    new = till.sale()
    assert new.address not in (sale.address, unpaid.address)
    assert till.swept().count(sale.reference) == 1
    till.go(_end_of(month) + timedelta(days=30, hours=-1))
    assert till.provider.forget() == 0
    till.go(_end_of(month) + timedelta(days=30, hours=1))
    assert till.provider.forget() == 1 and till.provider.forget() == 0
    assert not list(folder.glob(f"tyst-{month}*"))
    till.clear()


@pytest.mark.night
def test_no_order_lands_in_another_months_wallet_that_the_jobs_left_open(till: Till) -> None:
    jobs, month = till.another(), till.provider._wallets.current()
    with jobs._wallets.month(month_of(till.clock.now(), plus=1)):
        pass
    with patched(till.provider._wallets, "_is_open", lambda month, account: True):
        lost = till.sale()
    sale = till.sale()
    assert sale.look() is None and till.held(month)[sale.reference] == sale.address
    assert lost.reference not in till.held(month), "without our check it would be lost at the end of a month"
    till.clear()


@pytest.mark.night
def test_a_wallet_rpc_that_is_killed_forgets_no_order(till: Till) -> None:
    sale = till.sale()
    till.chain.shop.stop(kill=True)
    till.chain.shop.start()
    till.chain.shop.ready("get_version")
    sale.pay()
    assert sale.told == (What.PAID, TOTAL)


@pytest.mark.night
def test_site_and_jobs_use_one_wallet_rpc_at_the_same_time(till: Till) -> None:
    jobs, month, done = till.another(), till.provider._wallets.current(), threading.Event()
    with jobs._wallets.month(month_of(till.clock.now(), plus=1)):
        pass
    sweeper = threading.Thread(target=_until(done, lambda: list(jobs.sweep(till.clock.now()))))
    sweeper.start()
    try:
        sales = [till.sale() for _ in range(3)]
    finally:
        done.set()
        sweeper.join(60)
    assert {sale.reference: sale.address for sale in sales}.items() <= till.held(month).items()
    till.clear()


def _until(done: threading.Event, act: Callable[[], object]) -> Callable[[], None]:
    def body() -> None:
        while not done.is_set():
            act()

    return body


def _end_of(month: int) -> datetime:
    """The first moment of the next month."""
    year, number = divmod(month, 100)
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
