"""The encodings that the proof promises, by kind of mark: a second list, kept apart from the table that makes them.

The control plants what `core.residue_encodings` makes, so a spelling dropped there would be missed on both sides and
nobody would notice. This list is what the control holds against it. Left out are forms that may equal another of the
same value (base64url without its two special characters); the unit tests hold those against real encoders.
"""

from tyst.core.residue import MarkKind


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TEXT = _names(
    "text utf16le utf16be text-hex text-hex-upper text-base64-0 text-base64-1 text-base64-2 json-u json-u-upper"
    " text-base32-0 text-base32-1 text-base32-2 text-base32-3 text-base32-4 text-octal text-spaced text-list"
    " text-md5 text-md5-hex text-sha1 text-sha1-hex text-sha256 text-sha256-hex text-sha512 text-sha512-hex"
    " text-blake2b text-blake2b-hex"
)
_RAW = _names(
    "raw raw-le raw-le-hex raw-le-hex-upper raw-spaced raw-base64-0 raw-base64-1 raw-base64-2 raw-repr list list-tight"
    " raw-base32-0 raw-base32-1 raw-base32-2 raw-base32-3 raw-base32-4 raw-sha512 raw-sha512-hex raw-blake2b"
    " raw-blake2b-hex decimal decimal-le raw-md5 raw-md5-hex raw-sha1 raw-sha1-hex raw-sha256 raw-sha256-hex"
)
_HEX = _names("raw-hex raw-hex-upper raw-colons raw-colons-upper")
_MAC = _names("text-upper dash dash-upper dot dot-upper bare bare-upper eui64 eui64-text eui64-hex")
_SIX = _names("text-upper exploded exploded-upper url url-lower words words-hex words-hex-upper ptr ptr-wire")

PROMISED: dict[MarkKind, frozenset[str]] = {
    MarkKind.ADDRESS4: _TEXT | _RAW | _HEX | _names("ptr ptr-wire mapped mapped-text mapped-groups mapped-hex"),
    MarkKind.ADDRESS6: _TEXT | _RAW | _HEX | _SIX,
    MarkKind.MAC: _TEXT | _RAW | _MAC,
    MarkKind.NAME: _TEXT | _names("wire label"),
    MarkKind.TEXT: _TEXT | _names("url url-lower form json html repr"),
    MarkKind.KEY: _TEXT | _RAW | _HEX,
    MarkKind.TOKEN: _RAW | _HEX,
}
