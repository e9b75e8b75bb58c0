"""By what a public address is found: nobody's but this account's, and nothing without the key."""

from tyst.core.owner import owner_of

KEY = b"k" * 32
MADE = "2026-03-01 12:00:00"


def test_an_owner_is_one_name_made_in_one_hour_under_one_key() -> None:
    alice = owner_of(KEY, "alice", MADE)
    assert alice == owner_of(KEY, "Alice", MADE), "names differ by more than capitals"
    others = {
        owner_of(KEY, "bob", MADE),
        owner_of(KEY, "alice", "2026-03-01 13:00:00"),
        owner_of(b"l" * 32, "alice", MADE),
    }
    assert len(others) == 3 and alice not in others


def test_the_name_and_the_hour_cannot_run_into_each_other() -> None:
    assert owner_of(KEY, "a", "1" + MADE) != owner_of(KEY, "a1", MADE)
