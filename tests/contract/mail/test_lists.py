"""Mail services' own lists of refused addresses: asked about one address, and cleared of it, over their own protocols."""

import pytest

from tests.contract.mail.cast import SENDER
from tyst.lab.shop.mailgun import FakeMailgun
from tyst.lab.shop.postmark import FakePostmark
from tyst.lab.shop.processor import NOISE
from tyst.mail import wiring
from tyst.mail.config import Config
from tyst.mail.letter import MailError
from tyst.mail.lists import Listing
from tyst.mail.outbox import Outbox

ALICE, BOB = "alice+x@example.org", "bob@example.org"
Fake = FakeMailgun | FakePostmark


def service(fake: Fake) -> Listing:
    name = "mailgun" if isinstance(fake, FakeMailgun) else "postmark"
    one = wiring.service(name, Config(SENDER, (name,), {name: fake.answers()}))
    assert isinstance(one, Listing)
    return one


@pytest.fixture(params=["mailgun", "postmark"])
def fake(request: pytest.FixtureRequest) -> Fake:
    one: Fake = request.getfixturevalue(request.param)
    return one


def lists(fake: Fake) -> list[set[str]]:
    return list(fake.lists.values()) if isinstance(fake, FakeMailgun) else [fake.suppressed]


def test_alice_is_found_in_any_list_and_taken_out_of_all(fake: Fake) -> None:
    one = service(fake)
    assert not one.listed(ALICE)
    for kept in lists(fake):
        kept |= {ALICE, BOB}
        assert one.listed(ALICE)
        one.unlist(ALICE)
        assert not one.listed(ALICE) and one.listed(BOB), "nobody else is taken out"
    one.unlist(ALICE)
    assert all(kept == {BOB} for kept in lists(fake)), "who is in no list stays out of all"


@pytest.mark.parametrize("trouble", ["error", "down", "garbage", "cut"])
def test_a_service_in_trouble_says_nothing_of_anybody(trouble: str, fake: Fake) -> None:
    one, outbox = service(fake), Outbox([wiring.service(fake.title.lower(), _config(fake))])
    with fake.troubled(trouble):
        with pytest.raises(MailError) as failed:
            one.listed(ALICE)
        assert "alice" not in str(failed.value) and NOISE not in str(failed.value)
        assert not outbox.unlist(ALICE)
    assert outbox.unlist(ALICE)


def _config(fake: Fake) -> Config:
    name = fake.title.lower()
    return Config(SENDER, (name,), {name: fake.answers()})
