"""Key files: each room has its own, holds what it needs and no more, and says clearly when a file is not one."""

import os

import pytest

from tyst.core.keyring import KINDS_OF, SHARED, KeyringError, from_text, new_pair, to_text
from tyst.core.seal import Kind


def test_a_key_file_reads_back_as_it_was_written() -> None:
    for ring in new_pair(os.urandom):
        assert from_text(to_text(ring), room=ring.room) == ring


def test_site_and_gate_share_sessions_and_credentials_and_nothing_else() -> None:
    site, gate = new_pair(os.urandom)
    for kind in set(site.seal) & set(gate.seal):
        assert (site.seal[kind] == gate.seal[kind]) == (kind in SHARED)
    assert set(site.seal) == KINDS_OF["site"] and set(gate.seal) == KINDS_OF["gate"]


def test_the_site_cannot_open_leases_or_key_records() -> None:
    site, _ = new_pair(os.urandom)
    assert Kind.LEASE not in site.seal and not site.hpke


def test_the_gates_file_is_refused_by_the_site() -> None:
    _, gate = new_pair(os.urandom)
    with pytest.raises(KeyringError, match="another room"):
        from_text(to_text(gate), room="site")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"room":"site","seal":{"nonsense":[]}}', "\0", '{"room":1}'])
def test_a_damaged_file_is_told_in_one_sentence_without_its_content(text: str) -> None:
    with pytest.raises(KeyringError, match="not a key file") as caught:
        from_text(text, room="site")
    assert "nonsense" not in str(caught.value)
