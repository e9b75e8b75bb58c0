"""The shop's pages: prices, the two forms, the open payment, the receipt, money back, renewal, and leaving."""

from collections.abc import Sequence

import pytest

from tests.unit.site.conftest import Site
from tests.unit.site.person import Answer, Person
from tests.unit.site.processor import ProcessorOfTest
from tyst.core.owner import OWNER
from tyst.core.product import Product
from tyst.payments.provider import Provider, What

FORM = {"package": "subscription-12", "currency": "EUR", "country": "se", "vat_id": ""}


@pytest.fixture
def card() -> ProcessorOfTest:
    return ProcessorOfTest("braintree", "card", renews=True)


@pytest.fixture
def swish() -> ProcessorOfTest:
    return ProcessorOfTest("swish", "qr")


@pytest.fixture
def coins() -> ProcessorOfTest:
    return ProcessorOfTest("coinpayments")


@pytest.fixture
def providers(card: ProcessorOfTest, swish: ProcessorOfTest, coins: ProcessorOfTest) -> Sequence[Provider]:
    return card, swish, coins, ProcessorOfTest("monero", "address")


def alice(site: Site, name: str = "alice") -> Person:
    person = site.person()
    person.sign_up(name)
    return person


def order(person: Person, method: str, **changes: str) -> Answer:
    return person.post("/en/account/buy", {**FORM, "method": method, **changes})


def bill(answer: Answer) -> tuple[str, str]:
    return answer.element("total"), answer.element("vat")


def until(person: Person, product: str = "subscription") -> str:
    return person.get("/en/account").field(product)


def test_the_price_page_shows_each_currency_and_says_the_vat(site: Site) -> None:
    visitor = site.person()
    swedish = visitor.get("/en/pricing").text
    assert "SEK\xa0659" in swedish and "Save SEK\xa01,609 on the annual plan." in swedish
    assert "in Sweden it is 25% of the net" in swedish
    euro = visitor.get("/en/pricing?currency=EUR&country=fi").text
    assert "Save €144 on the annual plan." in euro and "€58.80" in euro and "in Finland it is 25.5% of the net" in euro
    assert "In Norway no VAT is charged." in visitor.get("/en/pricing?currency=USD&country=no").text
    assert visitor.get("/en/pricing?currency=DKK&country=%00").status == 200 and visitor.jar == {}


def test_the_second_form_has_the_price_and_the_ways_that_fit(site: Site) -> None:
    person = alice(site)
    euro = person.post("/en/account/buy", FORM)
    assert bill(euro) == ("€58.80", "€11.76")
    assert 'id="method-braintree"' in euro.text and 'id="method-swish"' not in euro.text
    assert 'id="method-swish"' in person.post("/en/account/buy", FORM | {"currency": "SEK"}).text


def test_a_company_elsewhere_in_the_eu_pays_the_net(site: Site) -> None:
    person = alice(site)
    form = FORM | {"country": "de", "vat_id": "de 136695976", "confirmed": "1"}
    answer = person.post("/en/account/buy", form)
    assert bill(answer) == ("€49.41", "€0") and "reverse charge" in answer.text


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(site: Site) -> None:
    person = alice(site)
    form = FORM | {"package": "subscription-7", "country": "de", "vat_id": "DE136695977"}
    answer = person.post("/en/account/buy", form)
    assert answer.status == 422
    for sentence in ("This isn't sold", "This is no VAT number of that country", "Your connection comes from another"):
        assert sentence in answer.text
    assert 'value="DE136695977"' in answer.text and '<option value="de" selected>' in answer.text
    confirmed = person.post("/en/account/buy", FORM | {"country": "de", "confirmed": "1"})
    assert confirmed.status == 200 and bill(confirmed) == ("€58.80", "€9.39")


def test_without_a_way_nothing_is_opened(site: Site, card: ProcessorOfTest, coins: ProcessorOfTest) -> None:
    person = alice(site)
    assert order(person, "swish").status == 422, "not in euro"
    assert order(person, "cash").status == 422
    coins.away = True
    away = order(person, "coinpayments")
    assert away.status == 422 and "can't be reached just now" in away.text and "order" not in person.jar
    assert not card.opened and not coins.opened


def test_alice_pays_and_sees_her_receipt_for_half_an_hour(site: Site, coins: ProcessorOfTest) -> None:
    person = alice(site)
    assert order(person, "coinpayments").header("Location") == "/en/account/checkout"
    sealed, back, door = coins.opened[-1][1:]
    assert person.jar["order"] == sealed
    assert (back, door) == ("https://tyst.test/en/paid", "https://tyst.test/pay/coinpayments/")
    assert coins.order.total.wire() == "58.80" and coins.order.username == "alice"
    assert "https://processor.test/pay" in person.get("/en/account/checkout").text
    assert "Waiting for your payment" in person.get("/en/paid").text and until(person) == "null"
    coins.paid(what=What.SEEN)
    assert person.get("/en/paid/state").json == {"state": "seen", "lasting": False}
    coins.paid()
    assert person.get("/en/account/checkout").header("Location") == "/en/paid"
    for _ in range(3):
        receipt = person.get("/en/paid")
        assert receipt.element("until") == "2027-03-01" and receipt.element("total") == "€58.80"
    assert until(person) == "2027-03-01 23:59:59", "once, however often she looks"
    file = person.get("/en/paid/receipt.pdf")
    assert file.body.startswith(b"%PDF") and "attachment" in file.header("Content-Disposition")
    del person.jar["order"]
    assert "can't be had later" in person.get("/en/paid").text and person.get("/en/paid/receipt.pdf").status == 404


def test_mallory_sees_no_receipt_of_alices_even_with_her_order(site: Site, coins: ProcessorOfTest) -> None:
    person, mallory = alice(site), alice(site, "mallory")
    order(person, "coinpayments")
    coins.paid()
    mallory.jar["order"] = person.jar["order"]
    for path in ("/en/paid", "/en/account/checkout"):
        text = mallory.get(path).text
        assert "No open payment" in text and "58.80" not in text
    assert until(mallory) == "null" and mallory.get("/en/paid/receipt.pdf").status == 404
    person.jar["order"] = person.jar["order"][:-3] + "AAA"
    assert "No open payment" in person.get("/en/paid").text


def test_what_was_declined_buys_nothing_and_says_so(site: Site, swish: ProcessorOfTest) -> None:
    person = alice(site)
    order(person, "swish", currency="SEK")
    page = person.get("/en/account/checkout").text
    assert "<svg" in page and "<noscript><meta http-equiv" in page
    swish.paid(what=What.FAILED)
    assert "Nothing was paid." in person.get("/en/paid").text and until(person) == "null"


def test_only_the_card_page_lets_the_card_processor_in(site: Site, card: ProcessorOfTest) -> None:
    person = alice(site)
    order(person, "braintree", renews="1")
    assert card.order.renews
    page = person.get("/en/account/checkout")
    assert "https://js.braintreegateway.com" in page.header("Content-Security-Policy")
    for path in ("/en/account/buy", "/en/paid", "/en/account", "/en/pricing"):
        assert "js.braintreegateway.com" not in person.get(path).header("Content-Security-Policy")
    declined = person.post("/en/account/checkout", {"nonce": "bad"})
    assert declined.status == 422 and "declined this card" in declined.text and len(card.opened) == 2
    assert "https://js.braintreegateway.com" in declined.header("Content-Security-Policy")
    assert person.post("/en/account/checkout", {"nonce": "good"}).header("Location") == "/en/paid"
    assert person.get("/en/paid").element("until") == "2027-03-01"


def test_a_first_purchase_goes_back_by_its_code_once(site: Site, card: ProcessorOfTest) -> None:
    person, mallory = alice(site), alice(site, "mallory")
    order(person, "braintree")
    person.post("/en/account/checkout", {"nonce": "good"})
    code = person.get("/en/paid").element("refund-code")
    assert mallory.post("/en/refund", {"code": code}).status == 422 and not card.refunded
    assert person.post("/en/refund", {"code": code[:-4] + "AAAA"}).status == 422
    card.away = True
    later = person.post("/en/refund", {"code": code})
    assert later.status == 422 and "Try again in an hour" in later.text and until(person) != "null"
    card.away = False
    assert "on its way back" in person.post("/en/refund", {"code": code}).text
    assert card.refunded == ["payment-1"] and until(person) < "2026-03-02"
    again = person.post("/en/refund", {"code": code})
    assert again.status == 422 and "paid back already" in again.text and len(card.refunded) == 1


def test_after_ten_days_the_link_is_gone_and_the_page_says_so(site: Site, card: ProcessorOfTest) -> None:
    person = alice(site)
    order(person, "braintree")
    person.post("/en/account/checkout", {"nonce": "good"})
    code = person.get("/en/paid").element("refund-code")
    site.clock.forward(days=12)
    person = site.person()
    person.sign_in("alice")
    gone = person.post("/en/refund", {"code": code})
    assert gone.status == 422 and "its ten days are over" in gone.text and not card.refunded
    assert "the link is gone" in site.person().get("/en/refund").text


def mandate(site: Site, name: str = "alice") -> str:
    from tyst.records import accounts, reservations

    account = accounts.by_username(name)
    assert account is not None
    return reservations.owner(site.keys.secrets[OWNER], account).hex()


def test_renewal_is_asked_live_and_switched_off_at_once(site: Site, card: ProcessorOfTest) -> None:
    person = alice(site)
    assert 'data-on="0"' in person.get("/en/account/renewal").text
    card.mandates.add(mandate(site))
    assert 'data-on="1"' in person.get("/en/account/renewal").text
    card.away = True
    assert person.post("/en/account/renewal").status == 422 and card.mandates
    card.away = False
    assert "Switched off." in person.post("/en/account/renewal").text and not card.mandates


def test_deleting_the_account_ends_its_mandate_or_says_that_it_could_not(site: Site, card: ProcessorOfTest) -> None:
    person = alice(site)
    card.mandates.add(mandate(site))
    word = {"password": "a quiet passphrase"}
    card.away = True
    left = person.post("/en/account/delete", word)
    assert left.status == 422 and "can't be ended just now" in left.text and person.get("/en/account").status == 200
    card.away = False
    assert "The account is gone." in person.post("/en/account/delete", word).text and not card.mandates


def test_leaving_never_waits_for_a_processor_that_stays_away(site: Site, card: ProcessorOfTest) -> None:
    person = alice(site)
    card.away = True
    done = person.post("/en/account/delete", {"password": "a quiet passphrase", "anyway": "1"})
    assert "The account is gone." in done.text


def test_deleting_offers_the_money_back_first(site: Site, coins: ProcessorOfTest) -> None:
    person = alice(site)
    assert "Take the money back first" not in person.get("/en/account/delete").text
    order(person, "coinpayments")
    coins.paid()
    person.get("/en/paid")
    assert "Take the money back first" in person.get("/en/account/delete").text


def test_an_addon_rests_while_the_subscription_is_over(site: Site, coins: ProcessorOfTest) -> None:
    person = site.subscriber()
    aligned = person.post("/en/account/buy", FORM | {"package": "multihop-end"})
    assert aligned.status == 200 and "30 days" in aligned.text
    order(person, "coinpayments", package="multihop-12")
    coins.paid()
    person.get("/en/paid")
    assert "Yours to the end of this day" in person.get("/en/account").text
    site.clock.forward(days=40)
    person = site.person()
    person.sign_in("alice")
    account = person.get("/en/account")
    assert "Suspended while the subscription is over." in account.text
    assert account.field("multihop") == "2027-03-01 23:59:59" and coins.order.product == Product.MULTIHOP
    assert person.post("/en/account/buy", FORM | {"package": "multihop-end"}).status == 422


def test_who_is_signed_out_is_led_to_the_sign_in(site: Site) -> None:
    for path in ("account/buy", "account/checkout", "paid", "paid/state", "paid/receipt.pdf", "account/renewal"):
        assert site.person().get(f"/en/{path}").header("Location") == "/en/signin"


def test_a_payment_that_nobody_comes_back_for_is_settled_all_the_same(site: Site, coins: ProcessorOfTest) -> None:
    from tyst.site.shop import Standing

    person = alice(site)
    order(person, "coinpayments")
    shop = site.services.shop
    assert len(shop.till) == 1
    coins.paid()
    held = shop.order(coins.reference)
    assert held is not None and shop.look(held, coins.reference)[0] is Standing.PAID
    assert len(shop.till) == 0 and until(person) == "2027-03-01 23:59:59"
