"""Before a letter leaves the jobs' queue: does anybody have this address still?"""

import pytest

from tests.unit.records.people import NOW, make


def test_a_letter_to_an_account_that_was_deleted_meanwhile_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    from tests.unit.django_once import emptied
    from tyst.jobs import wiring
    from tyst.mail.letter import MailError
    from tyst.records import accounts, erase, readers

    emptied()
    alice = make()
    accounts.edit(alice.handle, NOW, email="Alice@example.org")
    assert wiring.still_read("alice@example.org") and not wiring.still_read("bob@example.org")
    erase.delete_account(alice.handle, b"k" * 32, NOW)
    assert not wiring.still_read("alice@example.org")

    def away(_: str) -> bool:
        raise DatabaseError

    monkeypatch.setattr(readers, "is_read", away)
    with pytest.raises(MailError):
        wiring.still_read("alice@example.org")
