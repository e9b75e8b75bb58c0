"""What an account is entitled to today: a pure judgement over the few facts that access needs.

Not the account: no name, no address, no time of use is in `Facts`. Days are counted from 1970-01-01 in UTC; a
subscription counts through the whole of its last day (`core.rounding.end_of_day`). The gate asks, in `gate.admission`.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum

_EPOCH = date(1970, 1, 1).toordinal()


class Standing(Enum):
    """Whether an account may have open tunnels, and if not, why."""

    LIVE = "live"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the records say of an account, as far as a tunnel is concerned. Days, or None: never bought."""

    subscription: int | None
    multihop: int | None = None
    ipv6: bool = False
    streaming: bool = False
    compression: bool = False
    connected: bool = True
    """Whether the once-in-a-lifetime flag `has_connected` is set already."""
    ipv4: int | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a tunnel of this account may do."""

    ipv6: bool
    streaming: bool
    compression: bool
    multihop: bool
    ipv4: bool = False


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def day_of(stored: str | None) -> int | None:
    """The day of a stored expiry (`YYYY-MM-DD HH:MM:SS`, UTC), or None. ValueError when it is no such text."""
    return None if stored is None else date.fromisoformat(stored[:10]).toordinal() - _EPOCH


def standing(subscription: int | None, today: int) -> Standing:
    """LIVE through the last day of the subscription. Never bought counts as expired."""
    return Standing.LIVE if subscription is not None and subscription >= today else Standing.EXPIRED


def allowed(facts: Facts, today: int) -> Allowed:
    """The customer's settings as they take effect at a connect; the add-ons while they are paid."""
    multihop = facts.multihop is not None and facts.multihop >= today
    ipv4 = facts.ipv4 is not None and facts.ipv4 >= today
    return Allowed(facts.ipv6, facts.streaming, facts.compression, multihop, ipv4)
