"""Text that people copy by hand, from paper or from another screen: Crockford's alphabet, in groups.

No I, L, O or U is ever written; I, L and O are read as the digits they are mistaken for, and case, spaces and hyphens
don't matter. Counterparts: `core.voucher` adds check characters, recovery codes carry a seal that catches every slip.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: the place of a character is its value."""

_READ = {char: value for value, char in enumerate(ALPHABET)} | {"I": 1, "L": 1, "O": 0}


class PaperError(ValueError):
    """Text that can't have been written by `symbols_to_text`. Carries no part of it."""


def bits_to_symbols(data: bytes) -> list[int]:
    """The bytes as 5-bit numbers, most significant first; the last is filled with zero bits."""
    number, bits = int.from_bytes(data), 8 * len(data)
    count = -(-bits // 5)
    number <<= 5 * count - bits
    return [number >> 5 * (count - 1 - i) & 31 for i in range(count)]


def symbols_to_bits(symbols: list[int]) -> bytes:
    """The bytes of `bits_to_symbols`. PaperError when the filling isn't zero."""
    number = 0
    for symbol in symbols:
        number = number << 5 | symbol
    length, spare = divmod(5 * len(symbols), 8)
    if spare >= 5 or number & ((1 << spare) - 1):
        raise PaperError("this text has the wrong length or a wrong last character")
    return (number >> spare).to_bytes(length)


def symbols_to_text(symbols: list[int], group: int) -> str:
    """Symbols as characters, with a hyphen after every `group` of them."""
    text = "".join(ALPHABET[symbol] for symbol in symbols)
    return "-".join(text[i : i + group] for i in range(0, len(text), group))


def text_to_symbols(text: str) -> list[int]:
    """What somebody typed, as symbols. PaperError for a character outside the alphabet."""
    try:
        return [_READ[char] for char in text.upper() if not (char.isspace() or char in "-–—_.")]
    except KeyError:
        raise PaperError("this text holds a character that is never used") from None
