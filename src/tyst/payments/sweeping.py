"""Asking a processor about many payments one by one, so that one that can't be read doesn't hide the others."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tyst.payments.provider import Event, PaymentError

FAILURES = 3
"""After so many the processor is away: asking about all the others would only take its time-outs."""

One = TypeVar("One")


def one_by_one(payments: Iterable[One], ask: Callable[[One], Event | None], complaint: str) -> Iterator[Event]:
    """What `ask` tells of each. `complaint`: what PaymentError says at the end when some could not be asked about."""
    failures = 0
    for payment in payments:
        try:
            event = ask(payment)
        except PaymentError:
            failures += 1
            if failures == FAILURES:
                break
            continue
        if event is not None:
            yield event
    if failures:
        raise PaymentError(complaint)
