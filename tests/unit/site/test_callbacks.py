"""The processors' door: who is heard, what is answered, and that no word of a request comes back."""

from collections.abc import Sequence

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.person import Answer, Person
from tests.unit.site.processor import ProcessorOfTest
from tests.unit.site.test_shop import FORM, alice, until
from tyst.payments.provider import Provider

TRUE = {"HTTP_X_PROOF": "true", "HTTP_ORIGIN": ""}


@pytest.fixture
def coins() -> ProcessorOfTest:
    return ProcessorOfTest("coinpayments")


@pytest.fixture
def providers(coins: ProcessorOfTest) -> Sequence[Provider]:
    return (coins,)


@pytest.fixture
def buyer(site: Site) -> Person:
    person = alice(site)
    person.post("/en/account/buy", {**FORM, "method": "coinpayments"})
    return person


def told(site: Site, coins: ProcessorOfTest, **headers: str) -> Answer:
    return site.person().post(f"/pay/coinpayments/{coins.reference}", {"a": "b"}, **{**TRUE, **headers})


def test_a_callback_gives_the_time_once(site: Site, buyer: Person, coins: ProcessorOfTest) -> None:
    coins.paid()
    for _ in range(3):
        answer = told(site, coins)
        assert (answer.status, answer.body, answer.cookies) == (200, b"", [])
    assert until(buyer) == "2027-03-01 23:59:59"
    assert buyer.get("/en/paid").element("until") == "2027-03-01", "and her return page has the receipt"


def test_mallorys_callback_changes_nothing(site: Site, buyer: Person, coins: ProcessorOfTest) -> None:
    coins.paid()
    answer = told(site, coins, HTTP_X_PROOF="false")
    assert (answer.status, answer.body) == (403, b"") and until(buyer) == "null"


def test_without_its_proof_asked_for_the_same_callback_would_have_counted(
    site: Site, buyer: Person, coins: ProcessorOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    coins.paid()
    monkeypatch.setattr(ProcessorOfTest, "hear", lambda self, callback: [self.says[callback.path]])
    assert told(site, coins, HTTP_X_PROOF="false").status == 200 and until(buyer) != "null"


def test_what_we_cannot_act_on_now_is_asked_to_come_again(
    site: Site, buyer: Person, coins: ProcessorOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from tyst.records import settlement

    coins.paid()
    coins.away = True
    assert told(site, coins).status == 503
    coins.away = False

    def broken(*_: object) -> None:
        raise OperationalError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(settlement, "grant", broken)
        assert told(site, coins).status == 503 and until(buyer) == "null"
    assert told(site, coins).status == 200 and until(buyer) == "2027-03-01 23:59:59"


def test_the_door_knows_its_processors_its_method_and_its_measure(site: Site) -> None:
    mallory = site.person()
    assert mallory.post("/pay/paypal/marked", TRUE).status == 404
    assert mallory.get("/pay/coinpayments/marked").status == 405
    big = mallory.post("/pay/coinpayments/marked", {"marked": "x" * 40_000}, **TRUE)
    assert big.status == 413
    forged = mallory.post("/pay/coinpayments/marked", {"marked": "1"}, HTTP_ORIGIN="https://mallory.test")
    assert forged.status == 403
    assert all(b"marked" not in answer.body for answer in (big, forged))


def test_only_the_processors_door_is_open_to_others_pages(site: Site) -> None:
    for path in ("/en/account/buy", "/en/refund", "/en/account/checkout", "/payments"):
        assert site.person().post(path, {}, HTTP_ORIGIN="https://mallory.test").status == 403
