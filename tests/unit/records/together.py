"""Many threads of one process that do the same thing at the same moment, each for an account of its own."""

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import connection

Won = TypeVar("Won")


def together(first: int, count: int, action: Callable[[bytes], Won | None]) -> list[Won]:
    """What `action` gave to those who won; it is called with each account's handle, and gives None to who lost."""
    start, won = threading.Barrier(count), list[Won]()

    def one(number: int) -> None:
        start.wait(timeout=60)
        try:
            got = action(number.to_bytes(16))
            if got is not None:
                won.append(got)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(first + place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won
