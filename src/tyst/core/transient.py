"""Values that must not be kept: an address, a password, a device's key while a request lasts.

A Transient has no readable `repr`, refuses `str()`, formatting, pickling, copying into JSON and hashing by accident,
and gives its value only through an explicit `.reveal()`, which stands out in review. It does not scrub memory: the
allocator does that when the value is freed (`MALLOC_PERTURB_`, see docs/threat-model.md).
"""

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Transient(Generic[T]):
    """Holds one value that may be used now and must not be written, logged or serialised."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself: only where it is used at once."""
        return self._value

    def __repr__(self) -> str:
        return "<transient>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transient) and bool(self._value == other._value)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a transient value can't be turned into text or stored: use .reveal() where it is needed now")

    __str__ = __format__ = __reduce_ex__ = __hash__ = __bytes__ = __iter__ = _refuse
