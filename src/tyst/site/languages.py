"""The four languages: their Django codes, their URL prefixes, and how one becomes the other.

Norwegian is `nb` inside (Django's catalogue and HTML's `lang`) and `no` in addresses and in the account's field.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """One language of the site. `code`: Django's and HTML's; `prefix`: in addresses and in the account."""

    code: str
    prefix: str
    name: str


ALL = (
    Language("en", "en", "English"),
    Language("sv", "sv", "Svenska"),
    Language("de", "de", "Deutsch"),
    Language("nb", "no", "Norsk"),
)
BY_PREFIX = {one.prefix: one for one in ALL}
BY_CODE = {one.code: one for one in ALL}


def prefix_of(code: str | None) -> str:
    """The address prefix of Django's language code."""
    return BY_CODE[code].prefix if code in BY_CODE else "en"


def wished(accept_language: str) -> Language:
    """The best of ours for an Accept-Language header (RFC 9110, 12.5.4); English when none fits."""
    for tag in _by_quality(accept_language[:200]):
        primary = tag.partition("-")[0]
        language = BY_CODE.get(primary) or BY_PREFIX.get(primary)
        if primary == "nn":
            language = BY_CODE["nb"]
        if language:
            return language
    return ALL[0]


def _by_quality(header: str) -> list[str]:
    ranked = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.strip().lower().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            quality = 0.0
        ranked.append((-quality, place, tag.strip()))
    return [tag for quality, _, tag in sorted(ranked) if quality < 0]
