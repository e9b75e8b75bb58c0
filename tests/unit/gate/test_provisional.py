"""Provisional leases: ten seconds, one per tag, confirmed once."""

from tyst.gate.provisional import LIFE, Provisional

TAG = b"t" * 16


def test_a_lease_is_confirmed_once_and_in_time() -> None:
    open_ = Provisional()
    open_.put(TAG, b"one", 0)
    assert open_.take(TAG, b"one", LIFE - 1) and not open_.take(TAG, b"one", LIFE - 1)
    open_.put(TAG, b"two", 0)
    assert not open_.take(TAG, b"two", LIFE)


def test_the_newest_of_a_tag_is_the_only_one() -> None:
    open_ = Provisional()
    open_.put(TAG, b"one", 0)
    open_.put(TAG, b"two", 0)
    assert not open_.holds(TAG, b"one", 1) and open_.holds(TAG, b"two", 1) and len(open_) == 1


def test_a_repeated_confirmation_finds_its_slot_for_a_while() -> None:
    open_ = Provisional()
    open_.remember(b"one", b"slot", 0)
    assert open_.slot_of(b"one", LIFE - 1) == b"slot"
    assert open_.slot_of(b"one", LIFE) is None and open_.slot_of(b"two", 1) is None


def test_what_nobody_confirms_is_forgotten() -> None:
    open_ = Provisional()
    for number in range(100):
        open_.put(bytes([number]) * 16, b"n", 0)
        open_.remember(bytes([number]), b"slot", 0)
    open_.lapse(LIFE)
    assert len(open_) == 0
