"""Every form in which software is known to write a value down: `encodings(mark)` gives them by name.

The table is deliberately dumb: it lists spellings, judges nothing and knows no place where they occur. Forms whose
bytes equal an earlier form of the same mark are left out, so each byte string has one name. What it cannot see:
compressed, encrypted and keyed-hash forms; those are for the two-worlds check. Its counterpart is `residue_rule`,
which says when a hit on one of these forms counts.

Sources of the less obvious forms: /proc/net/tcp (proc_net_tcp(5): addresses as little-endian hex words), RFC 4648
(base64), RFC 1035 section 3.1 (names on the wire), RFC 3596 (ip6.arpa), RFC 4291 (mapped addresses, EUI-64).
"""

import base64
import hashlib
import html
import ipaddress
import json
from collections.abc import Callable, Iterable, Iterator

from tyst.core.residue import Mark, MarkKind, ScanSet, mac_bytes, scan_set

Forms = dict[str, bytes]

_PLAIN_URL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def encodings(mark: Mark) -> Forms:
    """Encoding name -> bytes for one mark, in a fixed order, without duplicates. Never fails for a valid mark."""
    return _distinct(_FORMS[mark.kind](mark).items())


def scan_set_of(marks: Iterable[Mark]) -> ScanSet:
    """The scan set of marks (and decoys) in all their encodings."""
    return scan_set((mark, name, data) for mark in marks for name, data in encodings(mark).items())


def _distinct(forms: Iterable[tuple[str, bytes]]) -> Forms:
    seen: set[bytes] = set()
    kept: Forms = {}
    for name, data in forms:
        if data not in seen:
            seen.add(data)
            kept[name] = data
    return kept


def _prefixed(prefix: str, forms: Forms) -> Forms:
    return {f"{prefix}-{name}": data for name, data in forms.items()}


def base64_forms(data: bytes) -> Forms:
    """The characters that stand for `data` wherever it begins in a longer base64 text: three alignments, two alphabets.

    Characters that also depend on neighbouring bytes are cut off: every embedding contains one of the six (RFC 4648).
    """
    forms: Forms = {}
    for alphabet, altchars in (("base64", b"+/"), ("base64url", b"-_")):
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + data, altchars)
            forms[f"{alphabet}-{shift}"] = whole[(8 * shift + 5) // 6 : 8 * (shift + len(data)) // 6]
    return forms


def base32_forms(data: bytes) -> Forms:
    """The characters that stand for `data` in a longer base32 text: five alignments (RFC 4648 section 6)."""
    forms: Forms = {}
    for shift in range(5):
        whole = base64.b32encode(b"\0" * shift + data)
        forms[f"base32-{shift}"] = whole[(8 * shift + 4) // 5 : 8 * (shift + len(data)) // 5]
    return forms


def _digest_forms(data: bytes) -> Forms:
    """Unkeyed hashes: the usual false anonymisation of an address or a name."""
    forms: Forms = {}
    for algorithm in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
        forms[algorithm] = digest
        forms[f"{algorithm}-hex"] = digest.hex().encode()
    return forms


def _percent(data: bytes, digits: str) -> bytes:
    return b"".join(bytes((b,)) if b in _PLAIN_URL else b"%" + format(b, digits).encode() for b in data)


def _units16(text: str) -> Iterator[int]:
    raw = text.encode("utf-16-be")
    return (int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2))


def _text_forms(text: str) -> Forms:
    """A text as programs store, quote and transmit it."""
    raw = text.encode()
    url = _percent(raw, "02X")
    return {
        "text": raw,
        "utf16le": text.encode("utf-16-le"),
        "utf16be": text.encode("utf-16-be"),
        "text-hex": raw.hex().encode(),
        "text-hex-upper": raw.hex().upper().encode(),
        "text-spaced": raw.hex(" ").encode(),
        "text-list": ", ".join(map(str, raw)).encode(),
        **_prefixed("text", base64_forms(raw)),
        **_prefixed("text", base32_forms(raw)),
        "text-octal": "".join(f"\\{byte:03o}" for byte in raw).encode(),
        "url": url,
        "url-lower": _percent(raw, "02x"),
        "form": url.replace(b"%20", b"+"),
        "json": json.dumps(text)[1:-1].encode(),
        "json-u": "".join(f"\\u{unit:04x}" for unit in _units16(text)).encode(),
        "json-u-upper": "".join(f"\\u{unit:04X}" for unit in _units16(text)).encode(),
        "html": html.escape(text).encode(),
        "repr": repr(text)[1:-1].encode(),
        **_prefixed("text", _digest_forms(raw)),
    }


def _raw_forms(raw: bytes) -> Forms:
    """A binary value as programs store and print it."""
    back = raw[::-1]
    return {
        "raw": raw,
        "raw-le": back,
        "raw-hex": raw.hex().encode(),
        "raw-hex-upper": raw.hex().upper().encode(),
        "raw-le-hex": back.hex().encode(),
        "raw-le-hex-upper": back.hex().upper().encode(),
        "raw-spaced": raw.hex(" ").encode(),
        "raw-colons": raw.hex(":").encode(),
        "raw-colons-upper": raw.hex(":").upper().encode(),
        **_prefixed("raw", base64_forms(raw)),
        **_prefixed("raw", base32_forms(raw)),
        "raw-repr": "".join(f"\\x{byte:02x}" for byte in raw).encode(),
        "raw-python": repr(raw)[2:-1].encode(),
        "list": ", ".join(map(str, raw)).encode(),
        "list-tight": ",".join(map(str, raw)).encode(),
        "decimal": str(int.from_bytes(raw, "big")).encode(),
        "decimal-le": str(int.from_bytes(raw, "little")).encode(),
        **_prefixed("raw", _digest_forms(raw)),
    }


def wire(name: str) -> bytes:
    """A DNS name's labels with their lengths, without the root's zero (RFC 1035 section 3.1)."""
    return b"".join(bytes((len(label),)) + label for label in name.encode("ascii").split(b"."))


def _pointer_forms(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Forms:
    pointer = address.reverse_pointer
    return {"ptr": pointer.encode(), "ptr-wire": wire(pointer)}


def _address4(mark: Mark) -> Forms:
    address = ipaddress.IPv4Address(_text(mark))
    mapped = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    return {
        **_text_forms(str(address)),
        **_raw_forms(address.packed),
        **_pointer_forms(address),
        "mapped": mapped.packed,
        "mapped-text": f"::ffff:{address}".encode(),
        "mapped-groups": _groups(mapped),
        "mapped-hex": mapped.packed.hex().encode(),
    }


def _groups(mapped: ipaddress.IPv6Address) -> bytes:
    high, low = (int.from_bytes(mapped.packed[i : i + 2], "big") for i in (12, 14))
    return f"::ffff:{high:x}:{low:x}".encode()


def _address6(mark: Mark) -> Forms:
    address = ipaddress.IPv6Address(_text(mark))
    short = ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":"))
    words = b"".join(address.packed[i : i + 4][::-1] for i in range(0, 16, 4))
    return {
        **_text_forms(str(address)),
        "text-upper": str(address).upper().encode(),
        "short": short.encode(),
        "short-upper": short.upper().encode(),
        **_text_spread("exploded", address.exploded),
        "exploded-upper": address.exploded.upper().encode(),
        **_raw_forms(address.packed),
        "words": words,
        "words-hex": words.hex().encode(),
        "words-hex-upper": words.hex().upper().encode(),
        **_pointer_forms(address),
    }


def _text_spread(name: str, text: str) -> Forms:
    return {name: text.encode(), **_prefixed(name, _text_forms(text))}


def _mac(mark: Mark) -> Forms:
    raw = mac_bytes(_text(mark))
    eui = bytes((raw[0] ^ 2,)) + raw[1:3] + b"\xff\xfe" + raw[3:]
    bare, dotted = raw.hex(), ".".join(raw.hex()[i : i + 4] for i in (0, 4, 8))
    interface = ":".join(f"{int.from_bytes(eui[i : i + 2], 'big'):x}" for i in range(0, 8, 2))
    spellings = {"dash": raw.hex("-"), "dot": dotted, "bare": bare}
    return {
        **_text_forms(raw.hex(":")),
        "text-upper": raw.hex(":").upper().encode(),
        **{name: text.encode() for name, text in spellings.items()},
        **{f"{name}-upper": text.upper().encode() for name, text in spellings.items()},
        **_raw_forms(raw),
        "eui64": eui,
        "eui64-text": interface.encode(),
        "eui64-hex": eui.hex().encode(),
    }


def _name(mark: Mark) -> Forms:
    text = _text(mark)
    label = text.split(".", 1)[0]
    forms = {**_text_forms(text), "wire": wire(text)}
    return {**forms, "label": label.encode()} if len(label) >= 16 else forms


def _plain(mark: Mark) -> Forms:
    return _text_forms(_text(mark))


def _token(mark: Mark) -> Forms:
    return _text_forms(mark.value) if isinstance(mark.value, str) else _raw_forms(mark.value)


def _key(mark: Mark) -> Forms:
    assert isinstance(mark.value, bytes)
    return {**_raw_forms(mark.value), **_text_forms(base64.b64encode(mark.value).decode())}


def _text(mark: Mark) -> str:
    assert isinstance(mark.value, str)
    return mark.value


_FORMS: dict[MarkKind, Callable[[Mark], Forms]] = {
    MarkKind.ADDRESS4: _address4,
    MarkKind.ADDRESS6: _address6,
    MarkKind.MAC: _mac,
    MarkKind.NAME: _name,
    MarkKind.TEXT: _plain,
    MarkKind.KEY: _key,
    MarkKind.TOKEN: _token,
}
