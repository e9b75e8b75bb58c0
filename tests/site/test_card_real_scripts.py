"""Our card page with Braintree's own scripts (npm, `braintree-web`) instead of the lab's, under the policy of its page:
they find the interface that `card.ts` uses, and the browser keeps their reports from leaving. Braintree's hosts are
answered here; its frames, which nobody can have, are played on the scripts' own message bus (`braintree_frame.js`).
"""

import base64
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.site.test_card_fields import Till, page, type_card
from tyst.lab.shop.braintree import FakeBraintree
from tyst.payments.braintree import fields
from tyst.payments.provider import Event, What

__all__ = ["page"]
ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "node_modules/braintree-web/dist/browser"
API = "https://api.sandbox.braintreegateway.com:443/merchants/lab/client_api"
ASSETS = "https://assets.braintreegateway.com"
GRAPHQL = {"url": "https://payments.sandbox.braintree-api.com/graphql", "date": "2018-05-08", "features": []}
EVERYBODY = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
CARD = {"supportedCardBrands": ["VISA"], "challenges": ["CVV"], "threeDSecureEnabled": False, "fraudProvider": None}
CONFIGURATION = {
    "environment": "SANDBOX",
    "merchantId": "lab",
    "assetsUrl": ASSETS,
    "clientApiUrl": API,
    "analyticsUrl": "https://origin-analytics-sand.sandbox.braintree-api.com/lab",
    "creditCard": CARD,
    "supportedFeatures": [],
}


def client_token() -> str:
    """As Braintree's sandbox writes it."""
    told = {"version": 2, "environment": "sandbox", "authorizationFingerprint": "played", "merchantId": "lab"}
    told |= {"configUrl": f"{API}/v1/configuration", "clientApiUrl": API, "assetsUrl": ASSETS}
    return base64.b64encode(json.dumps(told | {"graphQL": GRAPHQL}).encode()).decode()


class Played:
    """A provider whose page is the sandbox's."""

    def __init__(self) -> None:
        self.nonces: list[str] = []

    def begin(self, *_: Any, **__: Any) -> Any:
        return fields.places("sandbox", three_d_secure=False)[1].checkout(client_token(), "59.00")

    def pay(self, _: Any, reference: str, posted: dict[str, str]) -> Event:
        self.nonces.append(posted["nonce"])
        return Event(What.PAID, reference)


@pytest.fixture(scope="module")
def frame() -> str:
    """The frame's page."""
    bundler = [str(ROOT / "node_modules/.bin/esbuild"), str(ROOT / "tests/site/braintree_frame.js")]
    made = subprocess.run(
        [*bundler, "--bundle", "--format=iife"], capture_output=True, check=True, timeout=60, text=True
    )
    return f"<!doctype html><body></body><script>{made.stdout}</script>"


@pytest.fixture
def till(tmp_path: Path, page: Page, frame: str) -> Iterator[Till]:
    def script(route: Route) -> None:
        name = urlsplit(route.request.url).path.rpartition("/")[2].replace(".min", "")
        route.fulfill(body=(SCRIPTS / name).read_text("utf-8"), content_type="text/javascript")

    def configuration(route: Route) -> None:
        route.fulfill(json={"data": {"clientConfiguration": CONFIGURATION}}, headers=EVERYBODY)

    page.route(f"{fields.SCRIPTS}/**", script)
    page.route(f"{GRAPHQL['url']}**", configuration)
    page.route(f"{ASSETS}/**", lambda route: route.fulfill(body=frame, content_type="text/html"))
    with FakeBraintree() as fake:
        one = Till(tmp_path, fake)
        one.provider = Played()  # type: ignore[assignment]
        yield one
        one.close()


def _elsewhere(asked: Sequence[str]) -> set[str]:
    return {host for url in asked if (host := urlsplit(url).hostname or "") != "localhost"}


def test_braintrees_own_scripts_work_with_our_page_under_its_policy(till: Till, page: Page) -> None:
    answered: list[str] = []
    page.on("response", lambda answer: answered.append(answer.url))
    page.goto(till.url)
    expect(page.locator("button[type=submit]")).to_be_enabled()
    version = page.evaluate("[braintree.client.VERSION, braintree.hostedFields.VERSION]")
    assert version == [fields.VERSION, fields.VERSION], "the version that the page loads is the one that is tested"
    type_card(page, "4111 1111 1111 1112")
    page.click("button[type=submit]")
    expect(page.locator("#card-number-said")).to_be_visible()
    expect(page.locator("#card-cvv-said")).to_be_hidden()
    type_card(page, "4111 1111 1111 1111")
    expect(page.locator("#card-number-said")).to_be_hidden()
    page.click("button[type=submit]")
    expect(page.locator("#what")).to_have_text("paid")
    assert till.provider.nonces == ["tokencc_bh_played"]  # type: ignore[attr-defined]
    ours = {"js.braintreegateway.com", "assets.braintreegateway.com", "payments.sandbox.braintree-api.com"}
    assert _elsewhere(answered) == ours, "its reports of visitors did not leave the browser"
