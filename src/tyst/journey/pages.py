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
    begin_key(browser)
    return config(browser, node)


def begin_key(browser: Browser, *, preshared: bool = False) -> None:
    """Has the browser make a key pair and register it; the page then offers files until it is left."""
    browser.open("/en/account/wireguard")
    if preshared:
        browser.check("#wireguard-preshared")
    browser.click("#make")
    browser.wait("#wireguard-ready:not([hidden])")


def config(browser: Browser, node: str, *, entry: str = "", dns: str = "") -> str:
    """The file that the open page offers for a node, perhaps by way of an entry, perhaps with other name servers."""
    browser.choose("#wireguard-node", node)
    if entry:
        browser.choose("#wireguard-entry", entry)
    if dns:
        browser.choose("#wireguard-dns", dns)
    offered = browser.attributes("#wireguard-download", "download")
    expect(len(offered) == 1 and (entry or offered == [f"{node}.conf"]), f"the page offers {offered} to download")
    text: str = browser.download("#wireguard-download")
    return text


def linux_config(browser: Browser) -> str:
    """The same with a kill switch in it."""
    text: str = browser.download("#wireguard-linux")
    return text


def interface_of(text: str) -> str:
    """The name under which a file was offered, which is its interface's: its first line says it."""
    found = re.match(r"# Tyst ([A-Za-z0-9_=+.-]{1,15})\n", text)
    expect(found, "the file doesn't begin with its name")
    return found.group(1) if found else ""


def file(browser: Browser, path: str) -> str:
    """What the site answers to a request of her browser's, as text."""
    text: str = browser.fetched(path)
    return text


def setting(browser: Browser, name: str, on: bool) -> None:
    """Sets a check box of the settings page, and saves."""
    browser.open("/en/account/settings")
    browser.check(f"main form input[name={name}]", on)
    browser.click("main form[action$='/settings'] button[type=submit]")
    expect(not browser.texts(".said.wrong"), "the settings were refused")


def disconnect_all(browser: Browser) -> None:
    """Frees every place at once; open tunnels end at their next renewal."""
    browser.open("/en/account")
    browser.click("main form[action$='/account/disconnect'] button")


def take_public_ipv4(browser: Browser, node: str) -> str:
    """Reserves a public address at a node; returns it."""
    browser.open("/en/account/ipv4")
    browser.choose("#node", node)
    browser.click("main form button[value=take]")
    address: str = browser.text("#address")
    return address.strip()


def release_public_ipv4(browser: Browser) -> None:
    """Gives it back."""
    browser.open("/en/account/ipv4")
    browser.click("main form button[value=release]")


def commands(browser: Browser, node: str, what: str) -> list[str]:
    """The lines that the page for blocked UDP shows for 'tls' or 'shadowsocks'."""
    browser.open(f"/en/udp-blocked/{node}")
    text: str = browser.text(f"#{what}-commands")
    return text.splitlines()


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
