"""One process of the race for addresses: many threads, each of which asks for one for its own account.

usage: python -m tests.unit.records.holder DATABASE NODE FIRST COUNT     Prints the addresses that they got.
"""

import secrets
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from tyst.records.migrate import configure

KEY = b"k" * 32


def main(path: str, node: str, first: int, count: int) -> list[str]:
    """Runs the threads; they start together."""
    configure(Path(path))
    from django.db import connection

    from tyst.records.reservations import NoneFreeError, reserve

    start, got = threading.Barrier(count), list[str]()

    def one(number: int) -> None:
        start.wait(timeout=60)
        try:
            got.append(reserve(number.to_bytes(16), KEY, node, datetime(2026, 3, 1, tzinfo=UTC), secrets.randbelow))
        except NoneFreeError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(first + place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


if __name__ == "__main__":
    print(*main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
