"""Accounts for tests of the records."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 1, 12, 29, 59, tzinfo=UTC)
PHC = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"


def make(name: str = "alice", handle: bytes = b"a" * 16, **more: Any) -> Any:
    """An account, written as sign-up writes it."""
    from tyst.records import accounts

    words = {"country": "se", "language": "sv", "currency": "SEK", "now": NOW, "password": PHC, **more}
    return accounts.create(handle=handle, username=name, **words)
