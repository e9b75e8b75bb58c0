"""Carries letters by Mailgun's messages API (https://documentation.mailgun.com, v3), through django-anymail."""

import ssl
from functools import partial
from urllib.parse import quote

import httpx

from tyst.mail import lists, message
from tyst.mail.letter import Answers, Letter, MailError

LISTS = ("bounces", "complaints", "unsubscribes")
REGIONS = {"eu": "https://api.eu.mailgun.net/v3", "us": "https://api.mailgun.net/v3"}


class Mailgun:
    """One sending domain. `url` in the answers replaces the region's address (and `ca` its authority) in a lab."""

    name = "mailgun"

    def __init__(self, answers: Answers, sender: str) -> None:
        self._key, self._domain, self._sender = answers["key"], answers["domain"], sender
        self._url = answers.get("url") or REGIONS.get(answers.get("region", "eu"), REGIONS["eu"])
        self._ca = answers.get("ca") or None

    def carry(self, letter: Letter) -> bool:
        from anymail.backends.mailgun import EmailBackend

        words = {"api_key": self._key, "sender_domain": self._domain, "api_url": self._url}
        return message.carry(partial(EmailBackend, **words, timeout=message.SECONDS), letter, self._sender, self._ca)

    def listed(self, address: str) -> bool:
        """Looks into each list (GET /v3/DOMAIN/LIST/ADDRESS: 404 when it isn't there)."""
        return any(self._in_list("GET", name, address) for name in LISTS)

    def unlist(self, address: str) -> None:
        """DELETE, of each list."""
        for name in LISTS:
            self._in_list("DELETE", name, address)

    def _in_list(self, method: str, name: str, address: str) -> bool:
        """Whether the address is (or was) in a list. MailError for an answer about anything else."""
        url = f"{self._url}/{self._domain}/{name}/{quote(address, safe='')}"
        answer = lists.ask(method, url, self._ca, (httpx.codes.OK, httpx.codes.NOT_FOUND), auth=("api", self._key))
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        if lists.told(answer, "address") != address:
            raise MailError("Mailgun did not say what is in its list")
        return True

    def check(self) -> str:
        """Asks for the domain (GET /v3/domains/NAME)."""
        verify = ssl.create_default_context(cafile=self._ca) if self._ca else True
        try:
            with httpx.Client(verify=verify, trust_env=False, timeout=message.SECONDS) as client:
                answer = client.get(f"{self._url}/domains/{self._domain}", auth=("api", self._key))
        except httpx.HTTPError:
            raise MailError("Mailgun can't be reached: is the region right, and does this machine reach it?") from None
        if answer.status_code != httpx.codes.OK:
            raise MailError("Mailgun doesn't know this domain under this key: check both, and the region")
        return "Mailgun knows the domain and the key."


def build(answers: Answers, sender: str) -> Mailgun:
    """The service of these answers. KeyError for a missing one."""
    return Mailgun(answers, sender)
