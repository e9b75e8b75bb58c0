"""Every spelling of a value, checked against what real encoders write."""

import base64
import hashlib
import ipaddress
import json
import socket
import urllib.parse

import dnslib
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.residue import Mark, MarkKind
from tyst.core.residue_encodings import base64_forms, encodings

ADDRESS4 = Mark("alice.address4", MarkKind.ADDRESS4, "198.51.100.7")
ADDRESS6 = Mark("alice.address6", MarkKind.ADDRESS6, "2001:db8::2:a3:4:5")


@given(st.binary(min_size=8, max_size=80), st.binary(max_size=7), st.binary(max_size=7))
def test_some_base64_form_is_in_every_embedding(value: bytes, before: bytes, after: bytes) -> None:
    forms = base64_forms(value)
    standard, urlsafe = (encode(before + value + after) for encode in (base64.b64encode, base64.urlsafe_b64encode))
    assert forms[f"base64-{len(before) % 3}"] in standard
    assert forms[f"base64url-{len(before) % 3}"] in urlsafe


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_found_as_each_program_writes_it(address: ipaddress.IPv4Address) -> None:
    forms = set(encodings(Mark("m", MarkKind.ADDRESS4, str(address))).values())
    assert address.packed in forms
    assert address.packed[::-1] in forms
    assert str(int(address)).encode() in forms
    assert f"{int.from_bytes(address.packed, 'little'):08X}".encode() in forms  # /proc/net/tcp
    assert address.reverse_pointer.encode() in forms
    assert socket.inet_pton(socket.AF_INET6, f"::ffff:{address}") in forms
    assert ", ".join(map(str, address.packed)).encode() in forms
    assert hashlib.sha256(str(address).encode()).digest() in forms


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_found_as_each_program_writes_it(address: ipaddress.IPv6Address) -> None:
    forms = set(encodings(Mark("m", MarkKind.ADDRESS6, str(address))).values())
    words = b"".join(address.packed[i : i + 4][::-1] for i in (0, 4, 8, 12))
    for text in (str(address), address.exploded, address.reverse_pointer, str(int(address)), address.packed.hex()):
        assert text.encode() in forms
    assert {address.packed, address.packed[::-1], words, words.hex().upper().encode()} <= forms


@given(st.binary(min_size=6, max_size=6))
def test_a_mac_is_found_with_every_separator_and_in_the_address_made_from_it(raw: bytes) -> None:
    forms = set(encodings(Mark("m", MarkKind.MAC, raw.hex(":"))).values())
    for separated in (raw.hex(":"), raw.hex("-"), raw.hex(".", 2), raw.hex()):
        assert {separated.encode(), separated.upper().encode()} <= forms
    assert bytes([raw[0] ^ 2, raw[1], raw[2], 0xFF, 0xFE, raw[3], raw[4], raw[5]]) in forms


def test_a_name_is_found_in_a_real_dns_message() -> None:
    name = "0123456789abcdef01234567.probe.test"
    packet = dnslib.DNSRecord.question(name).pack()
    assert encodings(Mark("m", MarkKind.NAME, name))["wire"] in packet


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=60))
def test_a_text_is_found_as_each_encoder_writes_it(text: str) -> None:
    forms = set(encodings(Mark("m", MarkKind.TEXT, text)).values())
    assert json.dumps(text)[1:-1].encode() in forms
    assert urllib.parse.quote(text, safe="").encode() in forms
    assert urllib.parse.quote_plus(text).encode() in forms
    assert {text.encode(), text.encode("utf-16-le"), text.encode().hex().encode(), repr(text)[1:-1].encode()} <= forms


def test_a_message_between_rooms_holds_a_value_in_a_form_that_is_searched() -> None:
    key = Mark("k", MarkKind.KEY, hashlib.sha256(b"a key").digest())
    message = msgspec.msgpack.encode({"tag": key.value, "name": "alice-in-msgpack"})
    assert encodings(key)["raw"] in message
    assert encodings(Mark("t", MarkKind.TEXT, "alice-in-msgpack"))["text"] in message


def test_every_form_has_one_name_and_at_least_four_bytes() -> None:
    for mark in (ADDRESS4, ADDRESS6, Mark("t", MarkKind.TEXT, "plain-text"), Mark("k", MarkKind.KEY, bytes(range(32)))):
        forms = encodings(mark)
        assert len(set(forms.values())) == len(forms)
        assert min(map(len, forms.values())) >= 4


def test_each_kind_has_the_forms_that_the_proof_promises() -> None:
    promised = {"text", "utf16le", "text-hex", "text-base64-0", "text-base64-1", "text-base64-2", "json-u"}
    raw = {"raw", "raw-le", "raw-hex", "raw-hex-upper", "raw-base64-0", "raw-base64-1", "raw-base64-2", "decimal"}
    assert promised | raw | {"ptr", "ptr-wire", "mapped", "mapped-text", "decimal-le"} <= set(encodings(ADDRESS4))
    assert promised | raw | {"exploded", "short-upper", "words-hex", "url", "ptr"} <= set(encodings(ADDRESS6))
    assert raw | promised <= set(encodings(Mark("k", MarkKind.KEY, bytes(range(32)))))
    assert raw <= set(encodings(Mark("t", MarkKind.TOKEN, bytes(range(40)))))
    assert promised | {"url", "form", "json", "html"} <= set(encodings(Mark("t", MarkKind.TEXT, "Alice & 'Bob'/\"å\"")))
