"""What a customer does on the site, page by page, in her browser. It knows the pages by what they show, as she does.

Counterpart: `person.py`, what she does outside the browser. All paths are the English ones.
"""

import base64
import re
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.journey.browser import Browser
from tyst.journey.report import expect

SUBMIT = "main form button[type=submit]"


class Login(Protocol):
    """A name and a password, as typed."""

    @property
    def username(self) -> str: ...
    @property
    def password(self) -> str: ...


def sign_up(browser: Browser, names: Login) -> str:
    """Makes an account with a name and a password only; returns the recovery code she is shown."""
    browser.open("/en/signup")
    browser.fill("#username", names.username)
    browser.fill("#password", names.password)
    browser.click(SUBMIT)
    code: str = browser.text("#recovery-code")
    return code.strip()


def sign_in(browser: Browser, names: Login) -> str:
    """Signs in; returns the address she ends at."""
    browser.open("/en/signin")
    browser.fill("#username", names.username)
    browser.fill("#password", names.password)
    address: str = browser.click(SUBMIT)
    return address


def redeem(browser: Browser, voucher: str) -> None:
    """Redeems a voucher code."""
    browser.open("/en/account/voucher")
    browser.fill("#code", voucher)
    browser.click(SUBMIT)
    said = browser.texts(".said.wrong")
    expect(not said, f"the voucher was refused: {said}")


def fields(browser: Browser) -> dict[str, str]:
    """The account page's fields by name."""
    browser.open("/en/account")
    names, values = browser.attributes("[data-field]", "data-field"), browser.texts("[data-field]")
    return dict(zip(names, values, strict=True))


def devices(browser: Browser) -> int:
    """How many devices her account page says are connected."""
    found = devices_or_none(browser)
    expect(found is not None, "the account page can't say how many devices are connected")
    return found if found is not None else -1


def devices_or_none(browser: Browser) -> int | None:
    """The same, or None when the page says that the gate can't be asked."""
    browser.open("/en/account")
    text = browser.text("#devices").strip()
    return int(text) if text.isdigit() else None


def make_key(browser: Browser, node: str) -> str:
    """Has the browser make a key pair and register it; returns the file for a node."""
    browser.open("/en/account/wireguard")
    browser.click("#make")
    browser.wait("#wireguard-ready:not([hidden])")
    browser.choose("#wireguard-node", node)
    offered = browser.attributes("#wireguard-download", "download")
    expect(offered == [f"{node}.conf"], f"the page offers {offered} to download")
    text: str = browser.download("#wireguard-download")
    return text


def openvpn_profile(browser: Browser, node: str, protocol: str) -> str:
    """Downloads a node's profile for udp or tcp."""
    browser.open("/en/account/openvpn")
    text: str = browser.download(f"a[href$='{node}-{protocol}.ovpn']")
    expect("remote " in text, "the profile names no remote")
    return text


def credential(browser: Browser) -> tuple[str, str]:
    """Makes VPN credentials: user name and password."""
    browser.open("/en/account/openvpn")
    browser.click("form[action$='/credential'] button")
    return browser.text("#vpn-username").strip(), browser.text("#vpn-password").strip()


def rekey(browser: Browser) -> str:
    """Signs out everywhere and disconnects all; returns the new recovery code."""
    browser.open("/en/account/rekey")
    browser.click(SUBMIT)
    code: str = browser.text("#recovery-code")
    return code.strip()


def delete_account(browser: Browser, names: Login) -> None:
    """Deletes the account."""
    browser.open("/en/account/delete")
    said = browser.text("main ul")
    told = re.search(r"lose \d+ days? of subscription, to \d{4}-\d\d-\d\d|No paid time", said)
    expect(told, "the page does not say what is lost")
    browser.fill("#password", names.password)
    browser.click(SUBMIT)
    browser.wait(".rest-mark")


def public_of(private: str) -> str:
    """The public key of a private one, both in base64."""
    key = X25519PrivateKey.from_private_bytes(base64.b64decode(private))
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()
