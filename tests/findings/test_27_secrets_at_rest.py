"""Row 27: whoever copies the database, or the whole disk, finds in it no secret that opens anything by itself.

A customer is given everything that the provider issues: a voucher, sessions, a recovery code, a VPN credential, a
registered key; the operator gets a node's token and a voucher that nobody used. Each is then looked for in every
spelling, in the database file, in a dump of it, and on the raw disk with its free space.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.findings.account import Account
from tests.findings.world import NODE, World
from tests.unit.site.browser_key import DeviceKey
from tyst.core.paper import symbols_to_bits, text_to_symbols
from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import encodings, scan_set_of
from tyst.core.tags import opener_of
from tyst.core.tokens import credential_blob, from_text
from tyst.messages.codec import decode
from tyst.messages.fleet import JoinToken
from tyst.proof.engine import Engine
from tyst.proof.sources import BytesSource, FileSource, Source

pytestmark = pytest.mark.lab


def on_paper(name: str, code: str) -> Iterator[Mark]:
    """A code as it is printed, as it may be typed, and its bits."""
    symbols = text_to_symbols(code)
    yield Mark(name, MarkKind.TEXT, code)
    yield Mark(f"{name}, typed", MarkKind.TEXT, code.replace("-", ""))
    yield Mark(f"{name}, bits", MarkKind.TOKEN, symbols_to_bits(symbols[:16] if len(symbols) == 18 else symbols))


def sealed(name: str, text: str) -> Iterator[Mark]:
    """A sealed value as text, and its bytes."""
    yield Mark(name, MarkKind.TEXT, text)
    yield Mark(f"{name}, bytes", MarkKind.TOKEN, from_text(text))


def issued(world: World) -> list[Mark]:
    """One of everything, issued by the real rooms."""
    alice, key, password = Account(world), DeviceKey(), f"a passphrase {os.urandom(9).hex()}"
    names = {"username": f"alice-{os.urandom(6).hex()}", "password": password}
    used, unused = world.provider.vouchers(2)
    recovery = alice.post("/en/signup", {**names, "currency": "EUR", "country": "se"}).element("recovery-code")
    first = alice.cookies["session"]
    assert alice.post("/en/signin", {**names, "remember": "on"}).status == 302
    assert alice.post("/en/account/voucher", {"code": used}).status == 200
    challenge = alice.get("/en/account/wireguard/challenge").json["challenge"]
    assert alice.send_key(key).json["ok"]
    page = alice.post("/en/account/openvpn/credential")
    credential = page.element("vpn-username"), page.element("vpn-password")
    blob = credential_blob(*credential)
    assert blob is not None
    token = world.provider.token_for(NODE)
    return [
        Mark("password", MarkKind.TEXT, password),
        *on_paper("used voucher", used),
        *on_paper("unused voucher", unused),
        *on_paper("recovery code", recovery),
        *sealed("session", first),
        *sealed("second session", alice.cookies["session"]),
        *sealed("remember-me", alice.cookies["remember"]),
        *sealed("challenge", challenge),
        Mark("VPN user name", MarkKind.TEXT, credential[0]),
        Mark("VPN password", MarkKind.TEXT, credential[1]),
        Mark("VPN credential, bytes", MarkKind.TOKEN, blob),
        Mark("device's private key", MarkKind.KEY, key.private),
        Mark("device's public key", MarkKind.KEY, key.public),
        Mark("key record's opener", MarkKind.KEY, opener_of(key.public)),
        Mark("node's token, its end", MarkKind.TEXT, token[-120:]),
        Mark("node's token, what it permits", MarkKind.TOKEN, decode(from_text(token), JoinToken).sealed),
    ]


def found(engine: Engine, source: Source) -> set[str]:
    """The names of the marks that stand there in any spelling."""
    tally = engine.search(source)
    assert tally.unread == 0
    return {engine.scan_set.patterns[index].mark.name for index in tally.counted}


def dump_of(database: Path, copy: Path) -> bytes:
    """The database as SQL text."""
    copy.write_bytes(database.read_bytes())
    opened = sqlite3.connect(copy)
    text = "\n".join(opened.iterdump())
    opened.close()
    return text.encode()


def test_mallory_with_the_whole_disk_finds_nothing_that_opens_anything(world: World, tmp_path: Path) -> None:
    marks = issued(world)
    world.control.sync()
    database = world.state / "records.sqlite3"
    dump, engine = dump_of(database, tmp_path / "copy"), Engine(scan_set_of(marks))
    for mark in marks:
        for name, form in encodings(mark).items():
            assert mark.name in found(engine, BytesSource(dump + b"\0" + form + b"\0")), (
                f"blind for {mark.name} as {name}"
            )
    assert found(engine, BytesSource(dump)) == set()
    for path in sorted(world.state.iterdir()):
        if path.is_file():
            assert found(engine, FileSource(path)) == set(), path.name
    assert found(engine, FileSource(world.control.image)) == set(), "the raw disk"
