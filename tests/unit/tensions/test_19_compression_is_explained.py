"""Tension 19: compression is off until somebody who was told what it gives away switches it on."""

from tests.unit.site.conftest import Site


def test_it_is_off_at_first_and_said_to_be_best_left_off(site: Site) -> None:
    from tyst.records.models import Account

    person = site.subscriber("alice")
    assert Account.objects.get(username="alice").compression == 0
    page = person.get("/en/account/settings").text
    assert "can reveal it" in page and "Best left off" in page
