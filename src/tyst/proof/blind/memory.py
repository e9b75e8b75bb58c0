"""A room's memory as the values that live in it: all that can be reached from the room, in the order of reaching.

For rooms that live in one process with those who use them, where the process's own memory would show the users, too.
Freed memory isn't in it; the long form of the check reads that of real processes. Counterpart: `live.py`.
"""

import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

_MOST = 2_000_000
_PAST = (type, ModuleType, CodeType, BuiltinFunctionType, FrameType)
_APART = bytes(16)


def dump(*roots: Any, without: tuple[Any, ...] = ()) -> bytes:
    """The values below these roots, 16 zeros between each two."""
    return _APART.join(_leaves(list(roots), {id(one) for one in without}))


def _leaves(stack: list[Any], seen: set[int]) -> Iterator[bytes]:
    keep = []  # whoever is held keeps its id for itself
    while stack and len(seen) < _MOST:
        one = stack.pop()
        if id(one) in seen or isinstance(one, _PAST):
            continue
        seen.add(id(one))
        keep.append(one)
        if isinstance(one, bytes | bytearray | memoryview):
            yield bytes(one)
        elif isinstance(one, str):
            yield one.encode(errors="surrogatepass")
        elif isinstance(one, int) and not isinstance(one, bool) and one > 0xFFFF:
            yield one.to_bytes(max(4, -(-one.bit_length() // 8)))
        elif isinstance(one, dict):  # the collector's own way passes over keys that are text
            stack += reversed([part for pair in one.items() for part in pair])
        elif isinstance(one, FunctionType):
            stack += [cell.cell_contents for cell in one.__closure__ or () if _filled(cell)]
        else:
            stack += reversed(gc.get_referents(one))


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
