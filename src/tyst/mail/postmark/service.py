"""Carries letters by Postmark's e-mail API, through django-anymail.

https://postmarkapp.com/developer/api/email-api
"""

import ssl
from functools import partial
from typing import Any

import httpx

from tyst.mail import lists, message
from tyst.mail.letter import Answers, Letter, MailError

URL = "https://api.postmarkapp.com"


class Postmark:
    """One server's token. `url` and `ca` in the answers are for a lab."""

    name = "postmark"

    def __init__(self, answers: Answers, sender: str) -> None:
        self._token, self._sender = answers["token"], sender
        self._stream = answers.get("stream") or "outbound"
        self._url, self._ca = answers.get("url") or URL, answers.get("ca") or None

    def carry(self, letter: Letter) -> bool:
        from anymail.backends.postmark import EmailBackend

        words = {"server_token": self._token, "message_stream": self._stream, "api_url": self._url}
        return message.carry(partial(EmailBackend, **words, timeout=message.SECONDS), letter, self._sender, self._ca)

    def listed(self, address: str) -> bool:
        """GET /message-streams/STREAM/suppressions/dump, for one address."""
        return bool(lists.told(self._list("GET", "dump", params={"EmailAddress": address}), "Suppressions"))

    def unlist(self, address: str) -> None:
        """POST …/suppressions/delete. An address that called a letter spam stays listed there: Postmark's own rule."""
        if self.listed(address):
            self._list("POST", "delete", json={"Suppressions": [{"EmailAddress": address}]})

    def _list(self, method: str, act: str, **words: Any) -> httpx.Response:
        url = f"{self._url}/message-streams/{self._stream}/suppressions/{act}"
        headers = {"X-Postmark-Server-Token": self._token, "Accept": "application/json"}
        return lists.ask(method, url, self._ca, (httpx.codes.OK,), headers=headers, **words)

    def check(self) -> str:
        """Asks for the server (GET /server)."""
        headers = {"X-Postmark-Server-Token": self._token, "Accept": "application/json"}
        verify = ssl.create_default_context(cafile=self._ca) if self._ca else True
        try:
            with httpx.Client(verify=verify, trust_env=False, timeout=message.SECONDS) as client:
                answer = client.get(f"{self._url}/server", headers=headers)
        except httpx.HTTPError:
            raise MailError("Postmark can't be reached from this machine") from None
        if answer.status_code != httpx.codes.OK:
            raise MailError("Postmark doesn't know this server token: check it")
        return "Postmark knows the server token."


def build(answers: Answers, sender: str) -> Postmark:
    """The service of these answers. KeyError for a missing one."""
    return Postmark(answers, sender)
