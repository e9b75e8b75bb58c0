"""Plays cases on a real database: a batch of Alices at once, one for each case, and then looks what each has.

Each case has an account, two orders and a VAT rate of its own, by which its journal rows are found again; nothing else
keeps cases apart. The processor is the only part that is not real: here it says what the case tells.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.contract.settlement.cases import DAYS, NOW, Case, Found, faults
from tests.contract.settlement.crash import At, Crash
from tyst.core.keyring import new_pair
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Event, What

BATCH = 100
PRICE = 9900
_SINCE = datetime(2026, 3, 1, 10, tzinfo=UTC)
_PHC = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
_WHAT = {"a": What.PAID, "b": What.PAID, "A": What.RETURNED, "s": What.SEEN, "x": What.PAID}


class Processor:
    """A processor that gives back whatever it is asked to give back."""

    renews = False

    def __init__(self, name: str) -> None:
        self.name = name

    def refund(self, refund: object) -> bool:
        return True


class Stage:
    """One database with one settler. `numbers` go up with each case, so that no two share anything."""

    def __init__(self, state: Path) -> None:
        from tyst.payments.settling import Paid, Settler

        self._told: list[Paid] = []
        self._keys, self._swish, self._other = new_pair(_bytes)[0], Processor("swish"), Processor("braintree")
        self.orders = OrderKeys(state, lambda: int(NOW.timestamp()))
        self.orders.renew()
        providers = {"swish": self._swish}
        self.settler = Settler(self.orders, self._keys, lambda: NOW, self._told.append, providers)  # type: ignore[arg-type]
        self._number = 0

    def play(self, cases: Sequence[Case]) -> list[str]:
        """The faults of these cases, in words."""
        wrong: list[str] = []
        for start in range(0, len(cases), BATCH):
            wrong += self._batch(cases[start : start + BATCH])
        return wrong

    def statements(self, story: str) -> int:
        """How many statements a story takes when nothing crashes."""
        self._open([0])
        counter = At()
        self._run(Case(story), 0, counter)
        self._close()
        return counter.count

    def _batch(self, cases: Sequence[Case]) -> list[str]:
        self._open(range(len(cases)))
        receipts = [self._run(case, place, At(case.crash)) for place, case in enumerate(cases)]
        found = self._look(len(cases))
        wrong = []
        for case, one, told in zip(cases, found, receipts, strict=True):
            one.receipts = told
            wrong += [f"{case}: {fault}" for fault in faults(case, one, PRICE)]
        self._close()
        return wrong

    def _run(self, case: Case, place: int, watch: At) -> list[str]:
        """Plays one case; which orders had a receipt."""
        self._told.clear()
        letters = {name: self._order(place, name) for name in DAYS}
        sealed = {name: self.orders.seal(order) for name, order in letters.items()}
        with watch.watching():
            again = ""
            for letter in case.story:
                try:
                    self._tell(letter, letters, sealed)
                except Crash:
                    watch.gone()
                    again += letter
                    if not case.late:
                        self._tell(letter, letters, sealed)
            for letter in again if case.late else "":
                self._tell(letter, letters, sealed)
        names = {order.serial: name for name, order in letters.items()}
        return [names[paid.order.serial] for paid in self._told]

    def _tell(self, letter: str, orders: dict[str, Order], sealed: dict[str, str]) -> None:
        name = "b" if letter == "b" else "a"
        order = orders[name]
        if letter == "r":
            self._give_code(order)
            return
        provider = self._other if letter == "x" else self._swish
        self.settler.take(provider, Event(_WHAT[letter], sealed[name], order.total, "P" * 32))  # type: ignore[arg-type]

    def _give_code(self, order: Order) -> None:
        from tyst.records.models import Account

        code = self.settler._code(order, Event(What.PAID, "", order.total, "P" * 32))
        alice = Account(username=order.username, created_at=order.since)
        self.settler.refund(code, alice)

    def _order(self, place: int, name: str) -> Order:
        serial = (self._number + place).to_bytes(7) + name.encode()
        rate = 2 * place + (name == "b")
        total = Money(PRICE, "SEK")
        return Order(
            "swish", serial, f"alice{place}", _SINCE, Product.SUBSCRIPTION, 0, DAYS[name], total, "se", rate, "sv"
        )

    def _open(self, places: Iterable[int]) -> None:
        from tyst.records.models import Account

        common = {"password": _PHC, "created_at": _SINCE, "updated_at": _SINCE, "language": "sv"}
        common |= {"currency": "SEK", "country": "se"}
        alices = [Account(handle=place.to_bytes(16), username=f"alice{place}", **common) for place in places]
        Account.objects.bulk_create(alices)

    def _look(self, count: int) -> list[Found]:
        from tyst.records.models import Account, Journal

        found = [Found(None) for _ in range(count)]
        for name, until in Account.objects.values_list("username", "subscription"):
            found[int(name[5:])].until = until
        for row in Journal.objects.all():
            place, name = row.rate // 2, "ab"[row.rate % 2]
            one, sign = found[place], 1 if row.kind == "sale" else -1
            one.sold[name] = one.sold.get(name, 0) + sign * row.count
            one.sums[name] = one.sums.get(name, 0) + row.net + row.vat
            one.rows += 1
        return found

    def _close(self) -> None:
        from tyst.records.models import Account, Journal

        self._number += BATCH
        Account.objects.all().delete()
        Journal.objects.all().delete()


def _bytes(count: int) -> bytes:
    return bytes(range(count))
