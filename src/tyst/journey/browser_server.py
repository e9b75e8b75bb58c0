"""A person's browser: headless Chromium on her own machine, driven line by line over standard input and output.

Runs inside a client host: `python -m tyst.journey.browser_server URL AGENT [SPKI]`. Each line in is a JSON list [verb,
arguments …], each line out a JSON object with `value` or `error`. It keeps every request the browser makes (address,
headers, body), so that a test can say what was never sent. Counterpart: `browser.py`, which speaks to it from outside.
"""

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Page, Request, sync_playwright
from playwright.sync_api import Error as PlaywrightError

PATIENCE_MS = 40_000
RELOADS = 6
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class Driver:
    """The verbs that a line can ask for; each returns something that JSON can say."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self._context, self._base = context, base
        self._page: Page = context.new_page()
        self._page.set_default_timeout(PATIENCE_MS)
        self._requests: list[str] = []
        context.on("request", self._note)

    def _note(self, request: Request) -> None:
        body = request.post_data_buffer or b""
        self._requests.append(f"{request.method} {request.url}\n{request.all_headers()}\n{body.decode('latin-1')}")

    def open(self, path: str) -> str:
        """Goes to a path of the site, as often as a person would reload; returns the address it ended at.

        A tunnel that just came or went changes the name servers, and Chromium notices a moment later.
        """
        for attempt in range(RELOADS):
            try:
                self._page.goto(path if "://" in path else self._base + path)
                break
            except PlaywrightError:
                if attempt == RELOADS - 1:
                    raise
                self._page.wait_for_timeout(1000)
        return self._page.url

    def fill(self, selector: str, value: str) -> None:
        """Types a value into a field."""
        self._page.fill(selector, value)

    def choose(self, selector: str, value: str) -> None:
        """Picks an option of a list by its value."""
        self._page.select_option(selector, value)

    def click(self, selector: str) -> str:
        """Clicks, waits until the page is quiet; returns the address it ended at."""
        self._page.click(selector)
        self._page.wait_for_load_state("load")
        return self._page.url

    def check(self, selector: str, on: bool = True) -> None:
        """Sets a check box."""
        self._page.set_checked(selector, on)

    def wait(self, selector: str) -> None:
        """Waits until something is there to be seen."""
        self._page.wait_for_selector(selector)

    def text(self, selector: str) -> str:
        """The text of the first match."""
        return self._page.locator(selector).first.text_content() or ""

    def value(self, selector: str) -> str:
        """What a field holds."""
        return self._page.locator(selector).first.input_value()

    def texts(self, selector: str) -> list[str]:
        """The texts of all matches."""
        return self._page.locator(selector).all_text_contents()

    def count(self, selector: str) -> int:
        """How many matches there are."""
        return self._page.locator(selector).count()

    def attributes(self, selector: str, name: str) -> list[str]:
        """One attribute of all matches."""
        found: list[str] = self._page.locator(selector).evaluate_all(
            f"found => found.map(e => e.getAttribute({name!r}))"
        )
        return found

    def download(self, selector: str) -> str:
        """Clicks what downloads a file; returns its text."""
        with self._page.expect_download() as waiting:
            self._page.click(selector)
        return waiting.value.path().read_text()

    def fetched(self, path: str) -> str:
        """What a path of the site answers to this browser, with its cookies; nothing is shown."""
        return self._context.request.get(self._base + path, ignore_https_errors=True).text()

    def picture(self, selector: str) -> str:
        """A screenshot of one element, PNG in base64."""
        return base64.b64encode(self._page.locator(selector).first.screenshot()).decode()

    def requests(self) -> list[str]:
        """All that the browser sent so far."""
        return self._requests

    def cookies(self) -> list[dict[str, Any]]:
        """The cookies it holds for the site."""
        return [dict(cookie) for cookie in self._context.cookies()]


def serve(driver: Driver) -> None:
    """Answers lines until the input ends."""
    for line in sys.stdin:
        verb, *words = json.loads(line)
        action: Callable[..., Any] = getattr(driver, verb)
        try:
            answer = {"value": action(*words)}
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is told to the person outside
            answer = {"error": f"{verb} {words[:1]}: {str(error).splitlines()[0]}"}
        print(json.dumps(answer), flush=True)


def main() -> int:
    """usage: browser_server.py BASE_URL USER_AGENT [SPKI hash of a certificate to trust]; '' is Chromium's own agent"""
    base, agent, *pins = sys.argv[1:]
    arguments = [*QUIET, *(f"--ignore-certificate-errors-spki-list={pin}" for pin in pins)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        context = browser.new_context(locale="en-GB", accept_downloads=True, base_url=base, user_agent=agent or None)
        print(json.dumps({"value": "ready"}), flush=True)
        serve(Driver(context, base))
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
