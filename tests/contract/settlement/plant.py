"""Planted faults: settlement as it is often written. The cases have to catch each of them."""

from collections.abc import Callable
from datetime import datetime

from tyst.core.order import Order


def _two_steps() -> None:
    """The time first, then the note that it was given, each a transaction."""
    from tyst.records import settlement
    from tyst.records.models import Account

    def grant(bought: Order, share: settlement.Share, now: datetime) -> settlement.Granted:
        if settlement.is_spent(bought.serial, settlement.PAID):
            raise settlement.SpentError
        account = Account.objects.get(username=bought.username)
        until = settlement._later(bought, share, account.subscription, now.date())
        settlement._set(account, bought.product, until, now)
        settlement.spend(bought.serial, settlement.PAID)
        return settlement.Granted(account, until, True)

    settlement.grant = grant  # type: ignore[assignment]


def _journal_once() -> None:
    """The journal is written by who granted the time, and by nobody else."""
    from tyst.records import bookkeeping, settlement

    real, fresh = bookkeeping.sold, list[bytes]()
    granting = settlement.grant

    def grant(bought: Order, share: settlement.Share, now: datetime) -> settlement.Granted:
        done = granting(bought, share, now)
        fresh.append(bought.serial)
        return done

    def sold(order: Order, *rest: object) -> None:
        if order.serial in fresh:
            fresh.remove(order.serial)
            real(order, *rest)  # type: ignore[arg-type]

    settlement.grant = grant  # type: ignore[assignment]
    bookkeeping.sold = sold  # type: ignore[assignment]


def _late_payment() -> None:
    """A return only takes back what was granted before it: a payment that is told later is granted after all."""
    from tyst.records import settlement

    taking = settlement.take_back

    def take_back(bought: Order, share: settlement.Share, now: datetime) -> bool:
        if not settlement.is_spent(bought.serial, settlement.PAID):
            settlement.spend(bought.serial, settlement.RETURNED)
            return False
        return taking(bought, share, now)

    settlement.take_back = take_back  # type: ignore[assignment]


PLANTS: dict[str, Callable[[], None]] = {
    "two steps": _two_steps,
    "journal once": _journal_once,
    "late payment": _late_payment,
}
