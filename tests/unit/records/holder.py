"""One process of the race for addresses: many threads, each of which asks for one for its own account.

usage: python -m tests.unit.records.holder DATABASE NODE FIRST COUNT     Prints the addresses that they got.
"""

import secrets
import sys
from datetime import UTC, datetime

from tyst.records.migrate import configure
from tyst.records.where import named

KEY = b"k" * 32


def main(path: str, node: str, first: int, count: int) -> list[str]:
    """Runs the threads; they start together."""
    configure(named(path))
    from tests.unit.records.together import together
    from tyst.records.reservations import NoneFreeError, reserve

    def ask(handle: bytes) -> str | None:
        try:
            return reserve(handle, KEY, node, datetime(2026, 3, 1, tzinfo=UTC), secrets.randbelow)
        except NoneFreeError:
            return None

    return together(first, count, ask)


if __name__ == "__main__":
    print(*main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
