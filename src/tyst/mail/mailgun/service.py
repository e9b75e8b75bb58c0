"""Carries letters by Mailgun's messages API (https://documentation.mailgun.com, v3), through django-anymail."""

import ssl
from functools import partial

import httpx

from tyst.mail import message
from tyst.mail.letter import Answers, Letter, MailError

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
