"""Monero as a way to pay: a subaddress for each order, and the operator's own view-only wallet that watches it.

Nobody calls us back: what was paid is found by looking. In the pool it is SEEN, after ten blocks (about twenty minutes)
it is PAID; payments to one address add up. Too little waits until the fixed amount's time is over, for the rest may
follow; then it is told as it is, and settlement gives days in proportion. A coin has no way back, and nobody asks the
buyer for an address to which one could be sent: `refund` says no. No payment's id leaves this folder.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path

from tyst.core.account import CURRENCIES
from tyst.core.order import Order
from tyst.core.refund import Refund
from tyst.payments.config import ConfigError
from tyst.payments.monero import keypair
from tyst.payments.monero.client import Rpc, is_here
from tyst.payments.monero.quote import GRACE, Payment, Quote, is_enough, quote, worth, xmr
from tyst.payments.monero.rates import Rates
from tyst.payments.monero.wallets import Keys, Month, Place, Wallets
from tyst.payments.provider import Callback, Checkout, Event, ForgedError, PaymentError, What

CONFIRMATIONS = 10
LOCK = "monero.lock"


class Monero:
    """The provider. `confirmations`: how many blocks make a payment certain."""

    name = "monero"
    renews = False

    def __init__(self, wallets: Wallets, rates: Rates, now: Callable[[], datetime], confirmations: int) -> None:
        self._wallets, self._rates, self._now, self._confirmations = wallets, rates, now, confirmations

    def offers(self, order: Order) -> bool:
        return order.total.currency in CURRENCIES

    def begin(self, order: Order, reference: str, *, back: str, callback: str) -> Checkout:
        """A subaddress and an amount, fixed for half an hour. The same order gets the same address again."""
        fresh = quote(reference, order.total, self._rates.rate(order.total.currency), self._now())
        with self._wallets.month() as month:
            return _checkout(self._renewed(month, fresh))

    def pay(self, order: Order, reference: str, posted: Mapping[str, str]) -> Event:
        raise PaymentError("Monero is paid from the buyer's own wallet")

    def hear(self, callback: Callback) -> Sequence[Event]:
        raise ForgedError("Monero calls nobody back")

    def look(self, order: Order, reference: str) -> Event | None:
        """Asks this month's wallet; on the first day of a month, yesterday's too."""
        months = [self._wallets.current()]
        if self._now().day == 1:
            months += [month for month in self._wallets.months()[-2:] if month < months[0]]
        for number in months:
            with self._wallets.month(number) as month:
                place = _find(month, reference)
                if place is not None:
                    return self._event(place.quote, month.payments(place.minor).get(place.minor, []))
        return None

    def sweep(self, now: datetime) -> Iterable[Event]:
        """What is certain by now in every wallet that there is."""
        events = []
        with self._wallets.all() as months:
            for month in months:
                paid = month.payments()
                found = (self._event(place.quote, paid.get(place.minor, [])) for place in month.places())
                events += [event for event in found if event and event.what is What.PAID]
        return events

    def refund(self, refund: Refund) -> bool:
        """No: Monero doesn't tell where money came from."""
        return False

    def stop(self, mandate: str) -> None:
        """There is never a mandate."""

    def has_mandate(self, mandate: str) -> bool:
        return False

    def check(self) -> str:
        with self._wallets.month():
            height = self._wallets.height()
        if self._wallets.current() not in self._wallets.months():
            raise PaymentError("the wallet RPC keeps its wallets in another folder than payments.toml says")
        if not self._wallets.may_destroy():
            raise PaymentError("Tyst may not write in the wallets' folder, and could never destroy an old one")
        for currency in CURRENCIES:
            self._rates.rate(currency)
        return f"Wallet RPC and node answer (block {height}), this month's wallet is open, and the rate is fresh."

    def forget(self) -> int:
        """Destroys the wallets that have been kept long enough; how many. For the daily jobs."""
        return self._wallets.forget()

    def _renewed(self, month: Month, fresh: Quote) -> Place:
        place = _find(month, fresh.reference)
        if place is None:
            return month.add(fresh)
        if place.quote.until <= self._now() and not month.payments(place.minor):
            return month.relabel(place, fresh)
        return place

    def _event(self, of: Quote, payments: Sequence[Payment]) -> Event | None:
        if not payments:
            return None
        certain = [one for one in payments if one.confirmations >= self._confirmations]
        rate = self._rate_for(of, payments)
        value = worth(of, certain, rate)
        over = self._now() > of.until + GRACE and len(certain) == len(payments)
        if value is not None and certain and (over or is_enough(of, value)):
            return Event(What.PAID, of.reference, value)
        return Event(What.SEEN, of.reference, worth(of, payments, rate))

    def _rate_for(self, of: Quote, payments: Sequence[Payment]) -> Fraction | None:
        """Today's rate, only where something came too late for the fixed amount."""
        if all(of.holds(one.at) for one in payments):
            return None
        try:
            return self._rates.rate(of.total.currency)
        except PaymentError:
            return None


def _find(month: Month, reference: str) -> Place | None:
    return next((place for place in month.places() if place.quote.reference == reference), None)


def _checkout(place: Place) -> Checkout:
    amount = xmr(place.quote.asked)
    link = f"monero:{place.address}?tx_amount={amount}"
    lines = (("address", place.address), ("amount", f"{amount} XMR"))
    return Checkout("address", url=link, qr=link, lines=lines, until=place.quote.until)


def build(answers: Mapping[str, str], state: Path, now: Callable[[], datetime]) -> Monero:
    """The provider from the operator's answers (`setup.QUESTIONS`). ConfigError with what is wrong."""
    try:
        login = answers["user"], answers["password"]
        keys = Keys(answers["address"], answers["view_key"], int(answers["first_month"]))
        folder, source = Path(answers["folder"]), answers["rates"]
        rpc, node = Rpc(answers["wallet_rpc"], login), Rpc(answers["node"])
        confirmations = int(answers.get("confirmations") or CONFIRMATIONS)
    except KeyError as missing:
        raise ConfigError(f"[monero] lacks {missing.args[0]}") from None
    except ValueError:
        raise ConfigError("[monero] first_month is YYYYMM, confirmations a whole number") from None
    if not 1 <= confirmations <= 720 or not 1 <= keys.first % 100 <= 12:
        raise ConfigError("[monero] first_month is YYYYMM, confirmations a whole number from 1 to 720")
    if not (is_here(answers["wallet_rpc"]) and is_here(answers["node"])):
        raise ConfigError("[monero] wallet_rpc and node are on this machine: http://127.0.0.1:PORT")
    if source.startswith("http://") and not is_here(source):
        raise ConfigError("[monero] rates is a file or an https address: a price that anybody can change is none")
    if not keypair.belongs(keys.view_key, keys.address):
        raise ConfigError("[monero] the view key does not belong to the address (a primary address of 95 characters)")
    wallets = Wallets(rpc, node, keys, folder=folder, lock=state / LOCK, now=now)
    return Monero(wallets, Rates(source, now), now, confirmations)
