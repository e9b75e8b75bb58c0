"""Tension 17: what an advertisement puts into an address is read by nobody."""

from tests.unit.site.conftest import Site
from tyst.core.account import CAMPAIGNS

CLICK = "?gclid=Cj0KCQ-mallory&fbclid=abc&utm_source=news&utm_campaign=spring&campaign=youtube&ref=bob"


def test_a_click_id_is_in_no_cookie_no_page_and_no_row(site: Site) -> None:
    from tyst.records.models import Account

    person = site.person()
    for path in ("/en/", "/en/pricing", "/en/signup", "/en/network"):
        answer = person.get(path + CLICK)
        assert answer.status == 200
        assert "mallory" not in answer.text
        assert not [cookie for cookie in answer.cookies if "mallory" in cookie or "youtube" in cookie]
    assert (
        person.post(
            "/en/signup" + CLICK,
            {
                "username": "alice",
                "password": "a quiet passphrase",
                "currency": "EUR",
                "country": "se",
                "campaign": "youtube",
            },
        ).status
        == 200
    )
    row = Account.objects.filter(username="alice").values().get()
    assert row["campaign"] is None
    assert not [value for value in row.values() if "mallory" in str(value) or "youtube" in str(value)]


def test_a_channel_that_is_not_on_the_list_can_not_be_stored(site: Site) -> None:
    from django.core.exceptions import ValidationError

    from tyst.records.models import Account

    site.subscriber("alice")
    assert "youtube" not in CAMPAIGNS
    account = Account.objects.get(username="alice")
    account.campaign = "youtube"
    try:
        account.save()
    except (ValidationError, ValueError) as error:
        assert "youtube" not in str(error)
    else:
        raise AssertionError("a channel that nobody declared was stored")
