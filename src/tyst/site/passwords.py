"""Passwords: argon2id at 19 MiB, as many at once as there are cores, and the same work for names that don't exist.

Nothing here keeps a password. The blocklist is Django's list of 20,000 common passwords, read once. Counterpart:
`core.account` has the rules of length; the gate checks the same hashes for OpenVPN logins.
"""

import gzip
import os
import threading
from pathlib import Path

import django
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from tyst.core.account import PASSWORD_MAX, password_bytes
from tyst.core.transient import Transient

_COMMON = Path(django.__file__).parent / "contrib" / "auth" / "common-passwords.txt.gz"


def common_passwords() -> frozenset[str]:
    """Passwords, in small letters, that everybody tries first."""
    return frozenset(gzip.decompress(_COMMON.read_bytes()).decode().split())


class Passwords:
    """Makes and checks hashes. `width`: how many may be computed at once; the others wait their turn."""

    def __init__(self, width: int | None = None, memory_kib: int = 19 * 1024) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=memory_kib, parallelism=1)
        self._gate = threading.Semaphore(width or os.cpu_count() or 1)
        self._dummy = self._hasher.hash(os.urandom(16))
        self.common = common_passwords()

    def hash(self, password: Transient[str]) -> str:
        """The PHC string of a new password."""
        with self._gate:
            return self._hasher.hash(password_bytes(password.reveal()))

    def check(self, stored: str | None, password: Transient[str]) -> bool:
        """Whether a password is the stored one. None (no such account) takes the same work and is never right."""
        typed = password.reveal()[: PASSWORD_MAX + 1]
        with self._gate:
            try:
                right = self._hasher.verify(stored or self._dummy, password_bytes(typed))
            except (Argon2Error, InvalidHashError):
                return False
        return right and stored is not None
