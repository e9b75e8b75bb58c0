"""A fake of Postmark: its e-mail API as documented, the server's own page, and webhooks about bounces.

https://postmarkapp.com/developer/api/email-api, https://postmarkapp.com/developer/webhooks/bounce-webhook
"""

import base64
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tyst.lab.ca import Authority
from tyst.lab.shop.letters import Received
from tyst.lab.shop.processor import Asked, Letter, Processor, Reply

_FORBIDDEN_HEADERS = frozenset({"from", "to", "cc", "bcc", "reply-to", "subject", "date", "content-type"})


class FakePostmark(Processor):
    """One server. `letters`: what it took; `refused`: addresses that are inactive there."""

    title = "Postmark"

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder, authority)
        self.token, self.password, self.hook = secrets.token_hex(16), secrets.token_hex(16), ""
        self.letters: list[Received] = []
        self.refused: set[str] = set()
        self.suppressed: set[str] = set()

    def answers(self) -> dict[str, str]:
        """Its table of mail.toml."""
        where = {"url": self.base, "ca": str(self.folder / "authority.pem")}
        return {"token": self.token, "stream": "outbound", "user": "hook", "password": self.password, **where}

    def call_at(self, address: str) -> None:
        """Where bounces are told."""
        self.hook = address

    def api(self, asked: Asked) -> Reply:
        if asked.headers.get("x-postmark-server-token") != self.token:
            return _json(401, {"ErrorCode": 10, "Message": "The Server Token you provided is not valid."})
        if (asked.method, asked.path) == ("GET", "/server"):
            return _json(200, {"ID": 1, "Name": "Tyst", "TrackOpens": False, "TrackLinks": "None"})
        if asked.path.startswith("/message-streams/outbound/suppressions/"):
            return self._suppressions(asked)
        if (asked.method, asked.path) != ("POST", "/email"):
            return _json(404, {"ErrorCode": 404, "Message": "Not found."})
        return self._email(json.loads(asked.body))

    def _suppressions(self, asked: Asked) -> Reply:
        """Addresses that the stream doesn't write to: asked for one by one, and taken out."""
        if (asked.method, asked.path.rpartition("/")[2]) == ("GET", "dump"):
            found = self.suppressed & {asked.query.get("EmailAddress", "")}
            return _json(
                200, {"Suppressions": [{"EmailAddress": one, "SuppressionReason": "HardBounce"} for one in found]}
            )
        gone = [one["EmailAddress"] for one in json.loads(asked.body)["Suppressions"]]
        self.suppressed -= set(gone)
        return _json(
            200, {"Suppressions": [{"EmailAddress": one, "Status": "Deleted", "Message": None} for one in gone]}
        )

    def _email(self, told: dict[str, Any]) -> Reply:
        headers = {one["Name"].lower(): one["Value"] for one in told.get("Headers", [])}
        if bad := _FORBIDDEN_HEADERS & set(headers):
            return _json(422, {"ErrorCode": 300, "Message": f"Header '{min(bad)}' not allowed."})
        if told["To"] in self.refused:
            words = f"Found inactive addresses: {told['To']}.\nInactive recipients are ones that have bounced."
            return _json(422, {"ErrorCode": 406, "Message": words})
        files = [(one["Name"], base64.b64decode(one["Content"])) for one in told.get("Attachments", [])]
        known = {"From", "To", "Subject", "TextBody", "HtmlBody", "Headers", "Attachments"}
        settings = {name: str(value) for name, value in told.items() if name not in known}
        texts = told["Subject"], told["TextBody"], told.get("HtmlBody", "")
        self.letters.append(Received(told["To"], told["From"], *texts, headers, files, settings))
        identity = secrets.token_hex(16)
        return _json(200, {"To": told["To"], "MessageID": identity, "ErrorCode": 0, "Message": "OK"})

    def failed(self, address: str, *, form: str = "HardBounce", password: str = "") -> Letter:
        """The webhook about a letter to this address."""
        pair = base64.b64encode(f"hook:{password or self.password}".encode()).decode()
        told = {"RecordType": "Bounce", "Type": form, "Email": address, "Inactive": True, "Tag": ""}
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {pair}"}
        return Letter(self.hook, headers, json.dumps(told).encode())

    def buttons(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        shown = enumerate(self.letters)
        return [(str(place), f"To {one.to}: {one.subject}\n\n{one.text}", ("bounce",)) for place, one in shown]

    def press(self, identity: str, button: str) -> None:
        self.post(self.failed(self.letters[int(identity)].to))


def _json(status: int, told: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(told).encode(), {"Content-Type": "application/json"})
