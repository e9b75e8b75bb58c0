"""The card form in a real browser against Braintree's fake: what is typed goes to the processor's frames, a nonce comes
to us, and only this page may load anything from elsewhere. The shop's own pages around it are tested with the shop.
"""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.contract.payments.shops.braintree import write_keys
from tests.contract.payments.suite import SINCE, Clock
from tyst.core.money import Money
from tyst.core.order import Order
from tyst.core.product import Product
from tyst.lab.shop.braintree import FakeBraintree
from tyst.lab.shop.braintree_vault import GOOD_CARD, SOFT_DECLINE, WITH_BANK
from tyst.payments.braintree.provider import build
from tyst.payments.orders import OrderKeys
from tyst.payments.provider import Event, What

PATIENCE = 15000


class Till:
    """One page of a shop: the card form for Alice's year, under the site's own headers, and what was posted to it."""

    def __init__(self, state: Path, fake: FakeBraintree, language: str = "en", **answers: str) -> None:
        _django(state)
        write_keys(state)
        clock = Clock()
        self.language = language
        self.fake, self.provider = fake, build(fake.answers(**answers), state, clock.now)
        self.order = Order(
            "braintree", b"alice001", "alice", SINCE, Product.SUBSCRIPTION, 12, 0, Money(5900, "EUR"), "de", 1900, "en"
        )
        self.reference = OrderKeys(state, clock.seconds).seal(self.order)
        self.posted: list[dict[str, str]] = []
        self.events: list[Event] = []
        self.policy = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"till": self}))
        self.url = f"http://localhost:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self) -> Any:
        """The answer that Django would give, through the outermost middleware."""
        from django.http import HttpResponse
        from django.template.loader import render_to_string
        from django.utils import translation

        from tyst.site import assets, middleware

        self.assets = assets.load()
        checkout = self.provider.begin(self.order, self.reference, back=self.url, callback=self.url)
        request: Any = SimpleNamespace(services=SimpleNamespace(assets=self.assets), is_secure=lambda: False)
        with translation.override(self.language):
            form = render_to_string("card_fields.html", {"checkout": checkout, "amount": "€59.00", "request": request})
        style = f'<link rel="stylesheet" href="{self.assets.url("site.css")}">'
        html = f'<!doctype html><html lang="{self.language}"><title>Card</title>{style}<main>{form}</main></html>'
        answer = middleware.relaxed(HttpResponse(html), checkout.allow)
        answer = middleware.headers(lambda _: answer)(request)
        self.policy = answer["Content-Security-Policy"]
        return answer


def _django(folder: Path) -> None:
    """Django with the site's settings, whatever this process has used it for before."""
    from django.conf import settings as active

    from tyst.site import settings, wiring

    if not active.configured:
        wiring.configure(folder / "records.sqlite3", [])
    elif not active.TEMPLATES:
        from django.test import override_settings

        left = ("HERE", "DATABASES")
        words = {name: getattr(settings, name) for name in dir(settings) if name.isupper() and name not in left}
        override_settings(**words).enable()


class _Door(BaseHTTPRequestHandler):
    till: Till

    def do_GET(self) -> None:
        if self.path.startswith("/static/"):
            _, _, digest, name = self.path.split("/", 3)
            asset = self.till.assets.find(digest, name)
            return self._answer(200, asset.body, {"Content-Type": asset.type}) if asset else self._answer(404, b"", {})
        answer = self.till.page()
        return self._answer(200, answer.content, dict(answer.items()))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.till.posted.append({name: values[0] for name, values in parse_qs(body).items()})
        self.till.events.append(self.till.provider.pay(self.till.order, self.till.reference, self.till.posted[-1]))
        self._answer(200, f"<p id=what>{self.till.events[-1].what}</p>".encode(), {"Content-Type": "text/html"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def fake() -> Iterator[FakeBraintree]:
    with FakeBraintree() as one:
        yield one


@pytest.fixture
def till(tmp_path: Path, fake: FakeBraintree) -> Iterator[Till]:
    one = Till(tmp_path, fake)
    yield one
    one.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    one = context.new_page()
    one.set_default_timeout(PATIENCE)
    yield one
    context.close()


def type_card(page: Page, number: str, date: str = "12 / 30", code: str = "123") -> None:
    """Into the frames, as a person does it."""
    for name, text in (("number", number), ("expirationDate", date), ("cvv", code)):
        page.frame_locator(f'iframe[name="braintree-hosted-field-{name}"]').locator("input").fill(text)


def test_alice_types_her_card_and_pays_and_no_digit_of_it_reaches_us(till: Till, page: Page) -> None:
    asked: list[tuple[str, str]] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append((request.url, request.post_data or "")))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(till.url)
    type_card(page, "4111 1111 1111 1111")
    page.click("button[type=submit]")
    expect(page.locator("#what")).to_have_text("paid", timeout=PATIENCE)
    assert till.events[0].what is What.PAID and set(till.posted[0]) == {"nonce"}
    ours = [said for url, said in asked if url.startswith(till.url)]
    theirs = [said for url, said in asked if url.startswith(till.fake.fields)]
    assert any(GOOD_CARD in said for said in theirs) and not any(GOOD_CARD in said for said in ours)
    assert {re.match(r"https?://[^/]*/", url)[0] for url, _ in asked} == {till.url, till.fake.page}  # type: ignore[index]
    assert complaints == []


def test_what_is_wrong_is_said_beside_the_field_in_the_readers_language(
    tmp_path: Path, fake: FakeBraintree, page: Page
) -> None:
    till = Till(tmp_path, fake, "sv")
    try:
        page.goto(till.url)
        type_card(page, "4111 1111 1111 1112", "01 / 20", "12")
        page.click("button[type=submit]")
        for name in ("number", "expiry", "cvv"):
            expect(page.locator(f"#card-{name}-said")).to_be_visible()
            expect(page.locator(f"#card-{name}")).to_have_attribute("data-wrong", "")
        assert till.posted == []
        type_card(page, GOOD_CARD)
        expect(page.locator("#card-number-said")).to_be_hidden()
        page.click("button[type=submit]")
        expect(page.locator("#what")).to_have_text("paid")
    finally:
        till.close()


def test_a_declined_card_is_followed_by_a_good_one_and_charged_once(till: Till, page: Page) -> None:
    for number, what in ((SOFT_DECLINE, "failed"), (GOOD_CARD, "paid")):
        page.goto(till.url)
        type_card(page, number)
        page.click("button[type=submit]")
        expect(page.locator("#what")).to_have_text(what)
    states = [one.status for one in till.fake.vault.transactions.values()]
    assert states == ["processor_declined", "submitted_for_settlement"]


def test_with_3_d_secure_the_bank_asks_and_no_means_no(tmp_path: Path, fake: FakeBraintree, page: Page) -> None:
    till = Till(tmp_path, fake, three_d_secure="yes")
    try:
        page.goto(till.url)
        type_card(page, WITH_BANK)
        page.click("button[type=submit]")
        page.click("#lab-bank >> text=No")
        expect(page.locator("#card-said")).to_have_text(re.compile("bank did not confirm"))
        assert till.posted == []
        page.click("button[type=submit]")
        expect(page.locator("#lab-bank p")).to_have_text(re.compile(r"59\.00"))
        page.click("#lab-bank >> text=Yes")
        expect(page.locator("#what")).to_have_text("paid")
    finally:
        till.close()


def test_when_the_processors_scripts_are_blocked_the_page_says_so(till: Till, page: Page) -> None:
    page.route("**/hosted-fields.min.js", lambda route: route.abort())
    page.goto(till.url)
    expect(page.locator("#card-said")).to_have_text(re.compile("could not be loaded"))
    expect(page.locator("button[type=submit]")).to_be_disabled()


def test_under_the_policy_of_every_other_page_nothing_of_the_processors_is_loaded(
    till: Till, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tyst.site import middleware

    monkeypatch.setattr(middleware, "relaxed", lambda response, allow: response)
    asked: list[str] = []
    page.on("response", lambda answer: asked.append(answer.url))
    page.goto(till.url)
    expect(page.locator("#card-said")).to_have_text(re.compile("could not be loaded"))
    assert till.policy == middleware.POLICY
    assert not [url for url in asked if url.startswith(till.fake.fields)]
