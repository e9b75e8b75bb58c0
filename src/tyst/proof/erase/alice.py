"""A marked customer who has used everything: all that stores, rooms and third parties can hold of one, they hold.

She comes over HTTP, as a browser does. All her values are drawn for one run and are in this process alone besides. What
she leaves where is said in `TRACES`, which the look must find before her account is deleted, and not afterwards.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tyst.core.wireguard.config import key_bytes, key_text
from tyst.lab.shop.shop import Town
from tyst.lab.wait import wait_until
from tyst.site.possession import answer

NODE = "se-sto"
SECONDS = 30
CARD = "4111111111111111"
TRACES = (
    "her account's row",
    "a newsletter and a mail address that said yes",
    "a subscription and an add-on, by vouchers and by card",
    "a public IPv4 address",
    "a card that renews, in the processor's vault",
    "a payment that is open",
    "a device's key and a VPN credential",
    "a connected device: a slot, and the day's flag",
    "a letter that waits, one that came back, and an entry in a mail service's own list",
)


class StageError(Exception):
    """The stage doesn't work: nothing is shown by this run. Says which step."""


@dataclass
class Alice:
    """Her values, and her browser."""

    town: Town
    name: str = field(default_factory=lambda: f"u{secrets.token_hex(8)}", repr=False)
    email: str = field(default_factory=lambda: f"{secrets.token_hex(9)}@example.org", repr=False)
    password: str = field(default_factory=lambda: secrets.token_hex(12), repr=False)
    device: bytes = field(default_factory=lambda: X25519PrivateKey.generate().private_bytes_raw(), repr=False)
    code: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        headers = {"Origin": self.town.url}
        self._browser = httpx.Client(base_url=self.town.url, headers=headers, trust_env=False, timeout=SECONDS)

    def close(self) -> None:
        """Closes the browser."""
        self._browser.close()

    @property
    def public(self) -> bytes:
        """Her device's public key."""
        return X25519PrivateKey.from_private_bytes(self.device).public_key().public_bytes_raw()

    def join(self) -> None:
        """Signs up."""
        form = {"username": self.name, "password": self.password, "currency": "EUR", "country": "se"}
        page = self.post("/en/signup", 200, **form)
        found = re.search(r'id="recovery-code"[^>]*>([^<]+)<', page)
        if not found:
            raise StageError("no recovery code was shown")
        self.code = found[1].strip()

    def use_everything(self) -> None:
        """All of `TRACES` but the connected device."""
        for product in ("subscription", "ipv4"):
            self.post("/en/account/voucher", 200, code=self.town.voucher(30, product))
        self._give_an_address()
        self.post("/en/account/ipv4", 200, action="take", node=NODE)
        self._register()
        self.post("/en/account/openvpn/credential", 200)
        self._pay()
        self._leave_letters()

    def delete(self, *, by_code: bool) -> None:
        """Deletes her account, by her password; or by her recovery code, as somebody who can't sign in."""
        path, form = "/en/account/delete", {"password": self.password}
        if by_code:
            path, form = "/en/your-data", {"code": self.code, "act": "gone"}
        if "The account is gone" not in self.post(path, 200, **form):
            raise StageError("the account was not deleted")

    def can_enter(self) -> list[str]:
        """What of hers still opens anything: her session, her password, her recovery code."""
        tried = {
            "her session": self._browser.get("/en/account").status_code == 200,
            "her password": self._visitor("/en/signin", username=self.name, password=self.password) == 302,
            "her recovery code": self._visitor("/en/your-data", code=self.code, act="json") == 200,
        }
        return [what for what, opened in tried.items() if opened]

    def name_is_free(self) -> bool:
        """Whether somebody else could take her name."""
        form = {"username": self.name, "password": secrets.token_hex(12), "currency": "EUR", "country": "se"}
        return self._visitor("/en/signup", **form) == 200

    def post(self, path: str, wanted: int, **form: str) -> str:
        """Sends a form; StageError for another status than wanted."""
        answered = self._browser.post(path, data=form)
        if answered.status_code != wanted:
            raise StageError(f"{path} answered {answered.status_code}")
        return answered.text

    def _visitor(self, path: str, **form: str) -> int:
        with httpx.Client(base_url=self.town.url, headers={"Origin": self.town.url}, trust_env=False) as client:
            return client.post(path, data=form, timeout=SECONDS).status_code

    def _give_an_address(self) -> None:
        form = {"email": self.email, "language": "en", "currency": "EUR"}
        for kind, more in (("address", {}), ("newsletter", {"newsletter": "1"})):
            before = len(self._letters())
            self.post("/en/account/settings", 200, **form, **more)
            self._until_more(before, f"a letter about her {kind}")
            found = re.search(r"/en/confirm/(\S+)", self._letters()[-1].text)
            if not found:
                raise StageError("the letter has no link")
            self.post(f"/en/confirm/{found[1]}", 200)

    def _letters(self) -> list[Any]:
        return [one for one in self.town.letters() if one.to == self.email]

    def _register(self) -> None:
        asked = self._browser.get("/en/account/wireguard/challenge").json()
        proof = answer(self.device, key_bytes(asked["key"]), self.public).hex()
        form = {"action": "register", "public_key": key_text(self.public), "challenge": asked["challenge"]}
        self.post("/en/account/wireguard", 200, **form, proof=proof)

    def _pay(self) -> None:
        """A year by card, renewing; and another one that she opens and leaves."""
        form = {"package": "subscription-12", "currency": "EUR", "country": "se", "confirmed": "yes"}
        self.post("/en/account/buy", 302, **form, method="braintree", renews="1")
        cards = self.town.fakes["braintree"]
        told = {"number": CARD, "cvv": "123", "expirationDate": "12/2030"}
        api = f"{cards.fields}/merchants/lab_merchant/client_api/v1/payment_methods/credit_cards"
        body = {"authorizationFingerprint": cards.fingerprint, "creditCard": told}
        nonce = httpx.post(api, json=body, trust_env=False, timeout=SECONDS).json()["creditCards"][0]["nonce"]
        self.post("/en/account/checkout", 302, nonce=nonce)
        self._browser.get("/en/paid")
        self.post("/en/account/buy", 302, **form, method="braintree")

    def _leave_letters(self) -> None:
        """One letter came back, the service's own list has her, and another letter waits because nobody takes it."""
        mail = self.town.fakes["mailgun"]
        mail.post(mail.failed(self.email))
        mail.lists["bounces"].add(self.email)
        mail.busy = True
        self._visitor("/en/recover/mail", username=self.name, email=self.email)

    def _until_more(self, before: int, what: str) -> None:
        wait_until(lambda: len(self._letters()) > before, within=SECONDS, every=0.05, what=what)
