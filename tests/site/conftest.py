"""The real site as a process, and Debian's Chromium looking at it, on this namespace's own loopback."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.site.world import World

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
CHROMIUM = "/usr/bin/chromium"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One provider for all browser tests. What the site said is judged at the end: nothing."""
    one = World(tmp_path_factory.mktemp("state"))
    one.start(free_port(), free_port())
    yield one
    assert one.stop() == ("", ""), "the site says nothing about anything"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Open = Callable[..., "Visit"]


class Visit:
    """A person's browser window: what it asked, and what it complained about."""

    def __init__(self, context: BrowserContext, world: World) -> None:
        self.context, self.world = context, world
        self.page: Page = context.new_page()
        self.asked: list[tuple[str, str, str]] = []
        self.complaints: list[str] = []
        context.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)

    def _note(self, request: Any) -> None:
        self.asked.append((request.url, request.post_data or "", str(request.all_headers())))

    def _console(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def to(self, path: str) -> Page:
        """Goes to a page."""
        self.page.goto(self.world.url + path)
        return self.page

    def send(self) -> None:
        """Presses the main form's button."""
        self.page.click("main form button[type=submit]")

    def sign_up(self, name: str, password: str = "a quiet passphrase") -> None:
        """Makes an account."""
        self.to("/en/signup")
        self.page.fill("#username", name)
        self.page.fill("#password", password)
        self.send()
        self.page.wait_for_selector("#recovery-code")

    def redeem(self) -> None:
        """Redeems a fresh voucher."""
        self.to("/en/account/voucher")
        self.page.fill("#code", self.world.voucher())
        self.send()
        self.page.wait_for_selector("#subscription")


@pytest.fixture
def visit(world: World, chromium: Browser) -> Iterator[Open]:
    """Opens browser windows; afterwards none of them may have complained."""
    opened: list[Visit] = []

    def one(**options: Any) -> Visit:
        context = chromium.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(15_000)
        opened.append(Visit(context, world))
        return opened[-1]

    yield one
    complaints = [complaint for window in opened for complaint in window.complaints]
    for window in opened:
        window.context.close()
    assert complaints == []


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    """Where a test keeps what it downloads."""
    return tmp_path
