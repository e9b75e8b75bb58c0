"""The account as rules: its 21 fields in the policy's order, what each may hold, and when an account is live.

Pure values: nothing is stored, hashed or looked up here. Counterparts: `records.models` enforces the same rules by
column types, `site` turns a `Fault` into a sentence in the reader's language.
"""

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum

FIELDS = (
    "username",
    "password",
    "email",
    "created_at",
    "updated_at",
    "newsletter",
    "has_authenticated",
    "has_connected",
    "has_ipv6",
    "compression",
    "streaming",
    "language",
    "currency",
    "country",
    "devices",
    "campaign",
    "subscription",
    "ipv4",
    "multihop",
    "client_version",
    "extension_version",
)
"""The policy's fields, in its order. `devices` is not a column: it is asked of the gate when somebody looks."""

LANGUAGES = ("en", "sv", "de", "no")
CURRENCIES = ("EUR", "SEK", "USD")
CAMPAIGNS: tuple[str, ...] = ()
"""The closed list of ad channels. Empty: we advertise nowhere, so `campaign` is null for everybody."""

PASSWORD_MIN, PASSWORD_ADVISED, PASSWORD_MAX = 8, 15, 256
"""Characters (NIST SP 800-63B: at least 8, 15 where the password stands alone; no rules of composition)."""

RESERVED_PREFIX = "vpn"
"""VPN credentials begin so; an account that did could be mistaken for one at the OpenVPN door."""

_USERNAME = re.compile(r"[A-Za-z0-9._-]{3,32}")
_EMAIL = re.compile(r"[^@\s,;<>\"\x00-\x1f]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_VERSION = re.compile(r"(\d{1,4}\.\d{1,4})(?:\.\d{1,6}){0,2}")


class Fault(StrEnum):
    """Why an input is refused."""

    USERNAME_FORM = "username-form"
    USERNAME_RESERVED = "username-reserved"
    PASSWORD_SHORT = "password-short"  # noqa: S105 - a reason, not a password
    PASSWORD_LONG = "password-long"  # noqa: S105
    PASSWORD_COMMON = "password-common"  # noqa: S105
    PASSWORD_IS_NAME = "password-is-name"  # noqa: S105
    EMAIL_FORM = "email-form"


def username_fault(username: str) -> Fault | None:
    """What is wrong with a wished-for user name, or None. Whether it is taken is the database's to say."""
    if not _USERNAME.fullmatch(username):
        return Fault.USERNAME_FORM
    return Fault.USERNAME_RESERVED if username.lower().startswith(RESERVED_PREFIX) else None


def password_fault(password: str, username: str, common: frozenset[str]) -> Fault | None:
    """What is wrong with a new password, or None. `common`: passwords in small letters that everybody tries first."""
    if len(password) < PASSWORD_MIN:
        return Fault.PASSWORD_SHORT
    if len(password) > PASSWORD_MAX:
        return Fault.PASSWORD_LONG
    if password.lower() in common:
        return Fault.PASSWORD_COMMON
    return Fault.PASSWORD_IS_NAME if password.lower() == username.lower() else None


def password_bytes(password: str) -> bytes:
    """What is hashed for a typed password: UTF-8 of its NFKC form, so that every keyboard's é is the same é."""
    return unicodedata.normalize("NFKC", password).encode()


def email_fault(email: str) -> Fault | None:
    """Whether a text can't be a mail address. Only a letter could tell whether it is one."""
    return None if len(email) <= 254 and _EMAIL.fullmatch(email) else Fault.EMAIL_FORM


def coarse_version(reported: str) -> str | None:
    """A client's version cut to major.minor, so that it tells little; None when it isn't one."""
    match = _VERSION.fullmatch(reported)
    return match.group(1) if match else None


def default_currency(country: str | None) -> str:
    """What prices are shown in until the customer chooses otherwise."""
    return {"se": "SEK", "us": "USD"}.get(country or "", "EUR")


def is_live(subscription: datetime | None, today: date) -> bool:
    """Whether the account may connect on this UTC day. Never bought anything is the same as expired."""
    return subscription is not None and subscription.astimezone(UTC).date() >= today
