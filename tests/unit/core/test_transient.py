"""Transient values can't slip into logs, files, keys or messages."""

import copy
import json
import pickle

import msgspec
import pytest

from tyst.core.transient import Transient

HELD = Transient("198.51.100.10")


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: str(HELD),
        lambda: f"{HELD}",
        lambda: "%s" % HELD,  # noqa: UP031 - the old form is what is tested
        lambda: "{}".format(HELD),  # noqa: UP032
        lambda: pickle.dumps(HELD),
        lambda: copy.copy(HELD),
        lambda: {HELD: 1},
        lambda: bytes(HELD),  # type: ignore[call-overload]
        lambda: list(HELD),  # type: ignore[call-overload]
        lambda: json.dumps(HELD),
        lambda: msgspec.msgpack.encode(HELD),
    ],
)
def test_every_way_out_but_reveal_is_closed(misuse) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        misuse()


def test_the_value_shows_in_no_repr_and_is_revealed_on_purpose() -> None:
    assert "198" not in repr(HELD) and "198" not in repr([HELD])
    assert HELD.reveal() == "198.51.100.10"
    assert HELD == Transient("198.51.100.10") != Transient("198.51.100.11")
