"""Voucher codes: 80 random bits and two check characters, as people type them.

A voucher is a bearer's: its hash is stored at issue and deleted at use, and nothing joins it to whoever used it. It is
not sealed on purpose: a stolen site key must not mint time. The check characters are a Reed-Solomon code over the 32
characters: any one or two wrong characters and any swap of two are caught before the database is asked, and one in
1,024 of all other slips gets that far, to be refused there. Counterpart: `records.vouchers` redeems, `fleet` issues.
"""

import hashlib

from tyst.core.paper import PaperError, bits_to_symbols, symbols_to_bits, symbols_to_text, text_to_symbols

RANDOM_BYTES = 10
HASH_BYTES = 32
_DATA, _CHECKS, _GROUP = 16, 2, 5


class VoucherError(ValueError):
    """A text that no voucher has: mistyped. Carries no part of it."""


def new_code(random_bytes: bytes) -> str:
    """A code from 10 random bytes, in its canonical form: XXXXX-XXXXX-XXXXX-XXX."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError("a voucher is made from 10 random bytes")
    data = bits_to_symbols(random_bytes)
    return symbols_to_text(data + _checks(data), _GROUP)


def normalise(text: str) -> str:
    """The canonical form of what somebody typed, or VoucherError when it can't be a voucher."""
    try:
        symbols = text_to_symbols(text)
    except PaperError:
        raise VoucherError("a voucher holds no such character") from None
    if len(symbols) != _DATA + _CHECKS:
        raise VoucherError("a voucher has 18 characters")
    if _checks(symbols[:_DATA]) != symbols[_DATA:]:
        raise VoucherError("a character is wrong")
    return symbols_to_text(symbols, _GROUP)


def hash_of(code: str) -> bytes:
    """The 32 bytes that the database holds for a code, typed in any way. VoucherError when it is mistyped."""
    symbols = text_to_symbols(normalise(code))
    return hashlib.sha256(b"tyst voucher" + symbols_to_bits(symbols[:_DATA])).digest()


def _double(value: int) -> int:
    """Multiplies by x in GF(32), modulo x^5 + x^2 + 1."""
    return (value << 1 ^ 0b100101) if value & 16 else value << 1


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left, right = _double(left), right >> 1
    return product


_FIRST, _SECOND = 2 ^ 4, _times(2, 4)
"""The generator (z + a)(z + a^2) = z^2 + (a + a^2) z + a^3 with a = 2."""


def _checks(data: list[int]) -> list[int]:
    """The remainder of data(z) · z^2 by the generator: two symbols."""
    high = low = 0
    for symbol in data:
        carry = symbol ^ high
        high, low = low ^ _times(_FIRST, carry), _times(_SECOND, carry)
    return [high, low]
