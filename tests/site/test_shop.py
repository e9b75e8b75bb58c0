"""Alice buys in a real browser: the real site, each processor's fake over its true wire protocol, real regtest Monero.

A few pairs of currency and language always; every pair of every way to pay at night.
"""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.site.conftest import Visit
from tests.site.test_card_fields import type_card
from tyst.lab.shop.braintree_vault import GOOD_CARD, SOFT_DECLINE
from tyst.lab.shop.shop import Town
from tyst.records.inventory import inventory

LANGUAGES = ("en", "sv", "de", "no")
TOTALS = {"EUR": ("58.80", "58,80"), "SEK": ("659",), "USD": ("62.80", "62,80")}
PAIRS = [("braintree", "EUR", "no"), ("swish", "SEK", "sv"), ("coinpayments", "USD", "de")]
ALL = [("swish", "SEK", language) for language in LANGUAGES]
ALL += [(way, *pair) for way in ("braintree", "coinpayments", "monero") for pair in product(TOTALS, LANGUAGES)]
SERVED = {"braintree", "swish", "coinpayments", "smtp"}
THANKS = {"en": "Your receipt from Tyst", "sv": "Ditt kvitto", "de": "Deine Quittung", "no": "Kvitteringen din"}


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """A provider that sells, and all that stands around it but Monero's chain."""
    with Town(parts=SERVED, jobs=False) as one:
        yield one
        assert one.said() == "", "the site says nothing about anything"


@pytest.fixture(scope="module")
def chain() -> Iterator[Town]:
    """The same with a real chain, which takes a minute to grow."""
    with Town(parts=("monero", "smtp"), jobs=False) as one:
        yield one


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens windows on a town's shop; none of them may complain."""
    opened: list[Visit] = []

    def one(town: Town, **options: Any) -> Visit:
        context = chromium.new_context(**options)
        context.set_default_timeout(20_000)
        opened.append(Visit(context, town))  # type: ignore[arg-type]
        return opened[-1]

    yield one
    complaints = [complaint for window in opened for complaint in window.complaints]
    for window in opened:
        window.context.close()
    assert complaints == []


Browse = Callable[..., Visit]


def rows(town: Town, statement: str, *values: object) -> list[Any]:
    """One statement on the town's records."""
    connection = sqlite3.connect(town.state / "records.sqlite3", timeout=20)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def signed_up(town: Town, browse: Browse, name: str, *, mail: bool = False, **options: Any) -> Visit:
    window = browse(town, **options)
    window.sign_up(name)
    if mail:
        rows(town, "UPDATE account SET email = ? WHERE username = ?", f"{name}@mail.test", name)
    return window


def choose(window: Visit, prefix: str, currency: str, package: str = "subscription-12") -> None:
    """The first form, from the price page."""
    window.to(f"/{prefix}/pricing?currency={currency}")
    window.page.click(f'.plans a[href*="package={package}&"]')
    window.page.click("#choice button[type=submit]")


def order(window: Visit, way: str) -> None:
    """The second form."""
    window.page.check(f"#method-{way}")
    window.send()
    window.page.wait_for_url("**/account/checkout")


def pay(town: Town, window: Visit, way: str) -> None:
    """What a person does at the processor's."""
    page = window.page
    if way == "braintree":
        type_card(page, GOOD_CARD)
        page.click("#card-form button[type=submit]")
    elif way == "swish":
        token = parse_qs(urlsplit(page.get_attribute("#go", "href") or "").query)["token"][0]
        town.fakes["swish"].pay(town.fakes["swish"].by_token(token))
    elif way == "coinpayments":
        page.click("#go")
        page.click("button[value=pay]")
        page.click("text=Back to the shop")
    else:
        town.monero.pay(page.get_attribute("#go", "href") or "")
        page.wait_for_selector("#waiting[data-shown=seen]", timeout=60_000)
        town.monero.mine(10)


def buys(town: Town, browse: Browse, way: str, currency: str, prefix: str, name: str) -> Visit:
    """From the price page to the receipt: the time is granted once, the receipt is shown, the letter arrives."""
    window = signed_up(town, browse, name, mail=True)
    choose(window, prefix, currency)
    order(window, way)
    assert any(total in window.page.inner_text("#total") for total in TOTALS[currency])
    pay(town, window, way)
    window.page.wait_for_selector("#until", timeout=60_000)
    assert window.page.url == f"{town.url}/{prefix}/paid"
    until = window.page.inner_text("#until")
    assert any(total in window.page.inner_text("#total") for total in TOTALS[currency])
    for _ in range(2):
        window.page.reload()
    ((stored,),) = rows(town, "SELECT subscription FROM account WHERE username = ?", name)
    assert stored == f"{until} 23:59:59", "once, however often it is looked at and told"
    has_letter(town, f"{name}@mail.test", prefix)
    return window


def has_letter(town: Town, to: str, prefix: str) -> None:
    """Exactly one receipt reached the sink, in her language, with its PDF."""
    sink = town.fakes["smtp"]
    while not [one for one in town.letters() if one.to == to]:
        known = len(town.letters())
        assert len(sink.wait_for(known + 1)) > known, "a letter arrives"
    (letter,) = [one for one in town.letters() if one.to == to]
    assert THANKS[prefix] in letter.subject and letter.files[0][1].startswith(b"%PDF")


@pytest.mark.parametrize(("way", "currency", "prefix"), PAIRS)
def test_alice_buys_and_gets_time_receipt_and_letter(
    town: Town, browse: Browse, way: str, currency: str, prefix: str
) -> None:
    window = buys(town, browse, way, currency, prefix, f"alice-{way}")
    assert (window.page.locator("#refund-code").count() == 1) == (way in ("braintree", "swish"))
    with window.page.expect_download() as waiting:
        window.page.click("a[download]")
    assert waiting.value.suggested_filename.endswith(".pdf")
    assert Path(waiting.value.path()).read_bytes().startswith(b"%PDF")
    found = {one["name"]: one for one in window.context.cookies()}
    assert set(found) == {"session", "order"} and set(found) < {one.name for one in inventory().cookies}
    assert found["order"]["httpOnly"] and found["order"]["sameSite"] == "Lax"
    window.context.clear_cookies(name="order")
    window.to(f"/{prefix}/paid")
    assert window.page.locator("#until").count() == 0


@pytest.mark.night
@pytest.mark.parametrize(("way", "currency", "prefix"), [one for one in ALL if one[0] != "monero"])
def test_every_way_currency_and_language(town: Town, browse: Browse, way: str, currency: str, prefix: str) -> None:
    buys(town, browse, way, currency, prefix, f"{way}.{currency}.{prefix}")


@pytest.mark.night
@pytest.mark.parametrize(("way", "currency", "prefix"), [one for one in ALL if one[0] == "monero"])
def test_real_monero_in_every_currency_and_language(
    chain: Town, browse: Browse, way: str, currency: str, prefix: str
) -> None:
    buys(chain, browse, way, currency, prefix, f"{way}.{currency}.{prefix}")


def test_without_javascript_the_page_finds_the_payment_by_itself(town: Town, browse: Browse) -> None:
    window = signed_up(town, browse, "charlie-plain", java_script_enabled=False)
    choose(window, "sv", "SEK")
    order(window, "swish")
    pay(town, window, "swish")
    window.page.wait_for_selector("#until", timeout=30_000)
    assert window.page.inner_text("#refund-code")


def test_a_declined_card_buys_nothing_and_another_card_does(town: Town, browse: Browse) -> None:
    window = signed_up(town, browse, "alice-declined")
    choose(window, "en", "EUR")
    order(window, "braintree")
    policy = window.page.request.get(window.page.url).headers["content-security-policy"]
    assert town.fakes["braintree"].fields in policy
    type_card(window.page, SOFT_DECLINE)
    window.page.click("#card-form button[type=submit]")
    window.page.wait_for_selector("#declined")
    assert rows(town, "SELECT subscription FROM account WHERE username = 'alice-declined'") == [(None,)]
    pay(town, window, "braintree")
    window.page.wait_for_selector("#until")
    for path in ("/en/paid", "/en/pricing", "/en/account/buy"):
        other = window.page.request.get(town.url + path).headers["content-security-policy"]
        assert town.fakes["braintree"].fields not in other, "only the card page lets the card processor in"


def test_alice_gives_her_first_purchase_back(town: Town, browse: Browse) -> None:
    window = signed_up(town, browse, "alice-returns")
    choose(window, "sv", "SEK")
    order(window, "swish")
    pay(town, window, "swish")
    code = window.page.inner_text("#refund-code")
    window.to("/sv/refund")
    window.page.fill("#code", code)
    window.send()
    assert window.page.locator("#code").count() == 0 and town.fakes["swish"].refunds
    window.to("/en/account")
    assert window.page.inner_text("[data-field=subscription]") != code
    window.to("/sv/refund")
    window.page.fill("#code", code)
    window.send()
    assert window.page.locator("#code-said.wrong").count() == 1


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.night)])
def test_axe_finds_nothing_in_the_shop_and_nothing_is_too_wide(town: Town, browse: Browse, scheme: str) -> None:
    window = signed_up(town, browse, f"axe-{scheme}", color_scheme=scheme, viewport={"width": 360, "height": 740})
    found: dict[str, list[str]] = {}

    def judge(where: str) -> None:
        said = [one["id"] for one in Axe().run(window.page).response["violations"]]
        wide = window.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found[where] = said + (["too wide"] if wide else [])

    for path in ("pricing", "refund", "paid", "account/buy", "account/renewal", "account/delete", "account/voucher"):
        window.to(f"/de/{path}")
        judge(path)
    choose(window, "de", "SEK")
    judge("how to pay")
    for way in ("braintree", "coinpayments", "swish"):
        choose(window, "de", "SEK")
        order(window, way)
        judge(way)
    pay(town, window, "swish")
    window.page.wait_for_selector("#until")
    judge("receipt")
    window.to("/de/account")
    judge("account")
    assert {where: what for where, what in found.items() if what} == {}
