"""Column types that enforce what may be stored: an unrounded time, a third flag or a fourth currency raises here.

The last line of defence, not the only one: forms refuse with a sentence, these refuse with an exception, because what
arrives here wrong is a mistake of the program. No message carries the value. Counterpart: `core.rounding` and
`core.account` state the rules.
"""

from datetime import datetime
from typing import Any

from django.db import models

from tyst.core.account import CAMPAIGNS, CURRENCIES, LANGUAGES, coarse_version, username_fault
from tyst.core.country import COUNTRIES
from tyst.core.product import PRODUCTS
from tyst.core.rounding import is_end_of_day, is_hour


class RefusedByColumn(ValueError):
    """A value that this column never holds."""


class HourField(models.DateTimeField):  # type: ignore[type-arg]
    """Account time: a full UTC hour, never anything finer."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and not (value.tzinfo and is_hour(value)):
            raise RefusedByColumn(f"{self.name} holds full hours only: round before anything is written")
        return super().get_prep_value(value)


class DayEndField(models.DateTimeField):  # type: ignore[type-arg]
    """An expiry: the last second of a UTC day."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and not (value.tzinfo and is_end_of_day(value)):
            raise RefusedByColumn(f"{self.name} holds the end of a UTC day only")
        return super().get_prep_value(value)


class FlagField(models.BooleanField):  # type: ignore[type-arg]
    """0 or 1."""

    def get_prep_value(self, value: Any) -> Any:
        if value not in (True, False):
            raise RefusedByColumn(f"{self.name} holds 0 or 1 only")
        return int(value)

    def from_db_value(self, value: Any, *_: Any) -> bool:
        """PostgreSQL holds the number, too (`tables.py`)."""
        return bool(value)


class BytesField(models.BinaryField):  # type: ignore[type-arg]
    """Exactly `size` bytes, or any number when it is None."""

    def __init__(self, *args: Any, size: int | None = None, **options: Any) -> None:
        self.size = size
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, {**options, "size": self.size}

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and (not isinstance(value, bytes) or (self.size and len(value) != self.size)):
            raise RefusedByColumn(f"{self.name} holds {self.size or 'some'} bytes, nothing else")
        return super().get_prep_value(value)


class _ListedField(models.CharField):  # type: ignore[type-arg]
    """Text from a closed list."""

    allowed: frozenset[str]

    def get_prep_value(self, value: Any) -> Any:
        if value is None and self.null:
            return None
        if value not in self.allowed:
            raise RefusedByColumn(f"{self.name} holds one of a closed list only")
        return super().get_prep_value(value)


class LanguageField(_ListedField):
    """en, sv, de or no."""

    allowed = frozenset(LANGUAGES)


class CurrencyField(_ListedField):
    """EUR, SEK or USD."""

    allowed = frozenset(CURRENCIES)


class CountryField(_ListedField):
    """Two letters of ISO 3166-1, small."""

    allowed = COUNTRIES


class CampaignField(_ListedField):
    """Null, or an ad channel of the closed list; never a click's number."""

    allowed = frozenset(CAMPAIGNS)


class ProductField(_ListedField):
    """What a voucher buys: the subscription or an add-on."""

    allowed = frozenset(PRODUCTS)


class AddressUseField(_ListedField):
    """What a node's further address is for."""

    allowed = frozenset(("exit", "public", "streaming"))


class UsernameField(models.CharField):  # type: ignore[type-arg]
    """A user name of the allowed form; compared without regard to case by the column's collation."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, str) and username_fault(value):
            raise RefusedByColumn(f"{self.name} has a form that no user name has")
        return super().get_prep_value(value)


class PhcField(models.CharField):  # type: ignore[type-arg]
    """A password as an argon2id PHC string; a plain one raises."""

    def get_prep_value(self, value: Any) -> Any:
        if not (isinstance(value, str) and value.startswith("$argon2id$")):
            raise RefusedByColumn(f"{self.name} holds argon2id hashes only")
        return super().get_prep_value(value)


class VersionField(models.CharField):  # type: ignore[type-arg]
    """Null, or major.minor."""

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and coarse_version(str(value)) != value:
            raise RefusedByColumn(f"{self.name} holds major.minor only")
        return super().get_prep_value(value)


class MonthField(models.IntegerField):  # type: ignore[type-arg]
    """A calendar month as YYYYMM."""

    def get_prep_value(self, value: Any) -> Any:
        if value is not None and not (200001 <= int(value) <= 999912 and 1 <= int(value) % 100 <= 12):
            raise RefusedByColumn(f"{self.name} holds a month as YYYYMM")
        return super().get_prep_value(value)
