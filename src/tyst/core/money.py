"""Money: a whole number of a currency's hundredths, and its currency. Nothing here is ever a float.

EUR, SEK and USD all have hundredths (ISO 4217). Amounts of different currencies don't mix: adding them raises. A share
is rounded half up, away from zero, to the hundredth; what is rounded and what is left always make the whole again.
Counterparts: `core.vat` splits, `core.pricing` computes, `site` and `mail` print in the reader's language.
"""

import re
from dataclasses import dataclass

from tyst.core.account import CURRENCIES

_WIRE = re.compile(r"(-?)(\d{1,9})(?:\.(\d{1,2})0*)?")


class MoneyError(ValueError):
    """An amount that isn't one, or two of different currencies. Carries no amount."""


@dataclass(frozen=True, slots=True)
class Money:
    """`minor`: hundredths of `currency` (EUR, SEK, USD); negative for what goes back."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise MoneyError("this currency is not one of ours")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def share(self, part: int, whole: int) -> "Money":
        """`part` / `whole` of it, rounded half up (away from zero) to the hundredth. `whole` is positive."""
        if whole <= 0:
            raise MoneyError("a share is of something")
        times = self.minor * part
        rounded = (2 * abs(times) + whole) // (2 * whole)
        return Money(rounded if times >= 0 else -rounded, self.currency)

    def wire(self) -> str:
        """As processors write amounts: `59.00`, `-59.00`."""
        whole, hundredths = divmod(abs(self.minor), 100)
        return f"{'-' if self.minor < 0 else ''}{whole}.{hundredths:02}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError("amounts of different currencies don't mix")
        return other.minor


def from_wire(text: str, currency: str) -> Money:
    """The amount that a processor wrote (`59`, `59.0`, `59.00`), or MoneyError."""
    match = _WIRE.fullmatch(text)
    if match is None:
        raise MoneyError("this is not an amount")
    sign, whole, hundredths = match.groups()
    minor = int(whole) * 100 + int((hundredths or "").ljust(2, "0"))
    return Money(-minor if sign else minor, currency)
