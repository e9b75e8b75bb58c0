"""A figure beside its yardstick from the same run, and the target it has to reach (docs: system numbers in README)."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One measured thing. `yardstick`: what it is held against, in the same unit; `ratio`: value / yardstick."""

    name: str
    value: float
    unit: str
    yardstick: float
    ratio: float
    missed: str = ""

    def to_json(self) -> dict[str, object]:
        """The five fields that `make bench` prints."""
        fields = asdict(self)
        fields.pop("missed")
        return fields


def figure(
    name: str,
    value: float,
    unit: str,
    yardstick: float,
    *,
    ratio: float | None = None,
    reaches: str = "",
    holds: bool = True,
) -> Figure:
    """A figure; `reaches` says the target in words, `holds` whether it was reached."""
    ratio = ratio if ratio is not None else (value / yardstick if yardstick else 0.0)
    return Figure(name, round(value, 4), unit, round(yardstick, 4), round(ratio, 4), "" if holds else reaches)


def median_interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """(median, low, high): the median of pairs and its distribution-free 95 % interval by order statistics.

    Of n pairs the k-th smallest and the k-th largest, k as large as the binomial distribution allows (David and
    Nagaraja, Order Statistics, 7.1). Fewer than six pairs can't give 95 %: then all of them are the interval.
    """
    ordered = sorted(ratios)
    count = len(ordered)
    skip, below = 0, 0.5**count
    while below <= 0.025:
        skip += 1
        below += math.comb(count, skip) * 0.5**count
    cut = max(0, skip - 1)
    return statistics.median(ordered), ordered[cut], ordered[count - 1 - cut]


Bench = Callable[[], list[Figure]]
