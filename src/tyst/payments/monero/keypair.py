"""Whether a view key belongs to an address: with a wrong one, payments would be made and never seen.

An address is base58 in blocks of eleven characters for eight bytes: network, spend key, view key, checksum (which the
wallet itself checks). The public view key is the private one times the base point of Ed25519 (RFC 8032, section 5.1).
Not for secrets of a kind that timing could tell: it runs once, on the operator's own machine.
"""

import re

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BYTES_OF = {11: 8, 7: 5}
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_Y = 4 * pow(5, -1, _P) % _P
_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_SECRET = re.compile(r"[0-9a-f]{64}")

Point = tuple[int, int]


def belongs(view_key: str, address: str) -> bool:
    """`view_key`: 64 hexadecimal digits, the private one. False for whatever isn't a pair."""
    public = view_of(address)
    if public is None or not _SECRET.fullmatch(view_key):
        return False
    scalar = int.from_bytes(bytes.fromhex(view_key), "little")
    return 0 < scalar < _L and _encoded(_times(scalar, (_X, _Y))) == public


def view_of(address: str) -> bytes | None:
    """The public view key in a primary address of 95 characters; None for anything else."""
    if len(address) != 95:
        return None
    raw = b""
    for start in range(0, 95, 11):
        block = address[start : start + 11]
        number = 0
        for character in block:
            digit = _ALPHABET.find(character)
            if digit < 0:
                return None
            number = number * 58 + digit
        size = _BYTES_OF[len(block)]
        if number >= 1 << 8 * size:
            return None
        raw += number.to_bytes(size, "big")
    return raw[33:65]


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1)
    while scalar:
        if scalar & 1:
            result = _plus(result, point)
        point, scalar = _plus(point, point), scalar >> 1
    return result


def _plus(one: Point, other: Point) -> Point:
    """Addition on the twisted Edwards curve, affine."""
    product = _D * one[0] * other[0] * one[1] * other[1] % _P
    x = (one[0] * other[1] + other[0] * one[1]) * pow(1 + product, -1, _P)
    y = (one[1] * other[1] + one[0] * other[0]) * pow(1 - product, -1, _P)
    return x % _P, y % _P


def _encoded(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
