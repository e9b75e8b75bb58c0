"""A fake of Mailgun: its messages API as documented (v3), domains, and signed webhooks about letters that failed.

https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
"""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from tyst.lab.ca import Authority
from tyst.lab.shop.letters import Received
from tyst.lab.shop.processor import Asked, Letter, Processor, Reply


class FakeMailgun(Processor):
    """One account with one domain. `letters`: what it took; `refused`: addresses that it doesn't accept."""

    title = "Mailgun"
    domain = "mail.tyst.test"

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder, authority)
        self.key, self.signing, self.hook = secrets.token_hex(16), secrets.token_hex(16), ""
        self.letters: list[Received] = []
        self.refused: set[str] = set()
        self.busy = False
        """Whether it takes no letters just now, though it answers everything else."""
        self.lists: dict[str, set[str]] = {name: set() for name in ("bounces", "complaints", "unsubscribes")}

    def answers(self) -> dict[str, str]:
        """Its table of mail.toml."""
        where = {"url": f"{self.base}/v3", "ca": str(self.folder / "authority.pem")}
        return {"domain": self.domain, "region": "eu", "key": self.key, "signing": self.signing, **where}

    def call_at(self, address: str) -> None:
        """Where bounces are told."""
        self.hook = address

    def api(self, asked: Asked) -> Reply:
        wanted = b"Basic " + base64.b64encode(f"api:{self.key}".encode())
        if asked.headers.get("authorization", "").encode() != wanted:
            return Reply(401, b"Forbidden", {"Content-Type": "text/plain"})
        if (asked.method, asked.path) == ("GET", f"/v3/domains/{self.domain}"):
            return _json(200, {"domain": {"name": self.domain, "state": "active"}})
        _, _, kind, address, *_ = [*asked.path.strip("/").split("/"), "", "", "", ""]
        if kind in self.lists and address:
            return self._listed(asked.method, self.lists[kind], unquote(address))
        if (asked.method, asked.path) != ("POST", f"/v3/{self.domain}/messages"):
            return _json(404, {"message": "Domain not found"})
        if self.busy:
            return _json(500, {"message": "Internal Server Error"})
        fields, files = _form(asked)
        if not all(fields.get(name) for name in ("from", "to", "subject", "text")):
            return _json(400, {"message": "from, to, subject and text parameters are required"})
        if fields["to"] in self.refused:
            return _json(400, {"message": "to parameter is not a valid address. please check documentation"})
        self.letters.append(_letter(fields, files))
        identity = f"<{secrets.token_hex(12)}@{self.domain}>"
        return _json(200, {"id": identity, "message": "Queued. Thank you."})

    def _listed(self, method: str, kept: set[str], address: str) -> Reply:
        """One address of one list (Mailgun's suppressions API)."""
        if address not in kept:
            return _json(404, {"message": "Address not found"})
        if method == "DELETE":
            kept.discard(address)
            return _json(200, {"message": "Address has been removed", "address": address})
        return _json(200, {"address": address, "code": "550"})

    def failed(self, address: str, *, severity: str = "permanent", signing: str = "", age: int = 0) -> Letter:
        """The webhook about a letter to this address, as Mailgun signs it."""
        stamp, token = str(int(time.time()) - age), secrets.token_hex(25)
        key = (signing or self.signing).encode()
        signature = hmac.new(key, (stamp + token).encode(), hashlib.sha256).hexdigest()
        event = {"event": "failed", "severity": severity, "recipient": address, "reason": "bounce"}
        told = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}
        return Letter(self.hook, {"Content-Type": "application/json"}, json.dumps(told).encode())

    def buttons(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        shown = enumerate(self.letters)
        return [(str(place), f"To {one.to}: {one.subject}\n\n{one.text}", ("bounce",)) for place, one in shown]

    def press(self, identity: str, button: str) -> None:
        self.post(self.failed(self.letters[int(identity)].to))


def _form(asked: Asked) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """Fields and files of a form of either encoding."""
    kind = asked.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return dict(parse_qsl(asked.body.decode(), keep_blank_values=True)), []
    whole = email.message_from_bytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + asked.body, policy=email.policy.HTTP
    )
    fields, files = {}, []
    for part in whole.iter_parts() if isinstance(whole, EmailMessage) else ():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            files.append((str(part.get_filename()), content))
        else:
            fields[str(name)] = content.decode()
    return fields, files


def _letter(fields: dict[str, str], files: list[tuple[str, bytes]]) -> Received:
    headers = {name[2:].lower(): value for name, value in fields.items() if name.startswith("h:")}
    known = {"from", "to", "subject", "text", "html"}
    settings = {name: value for name, value in fields.items() if name not in known and not name.startswith("h:")}
    named = fields["to"], fields["from"], fields["subject"], fields["text"].replace("\r\n", "\n")
    return Received(*named, fields.get("html", ""), headers, files, settings)


def _json(status: int, told: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(told).encode(), {"Content-Type": "application/json"})
