"""The static key that every OpenVPN profile carries (`tls-crypt`): a 2048-bit key file as openvpn(8) reads it.

It is no secret among customers: it only keeps those out who have no profile at all.
"""

from collections.abc import Callable

_BYTES, _LINE = 256, 16


def static_key(draw: Callable[[int], bytes]) -> str:
    """The text of a fresh key file. `draw(n)` gives n random bytes."""
    key = draw(_BYTES)
    lines = [key[start : start + _LINE].hex() for start in range(0, _BYTES, _LINE)]
    body = "\n".join(lines)
    head = "#\n# 2048 bit OpenVPN static key\n#\n"
    return f"{head}-----BEGIN OpenVPN Static key V1-----\n{body}\n-----END OpenVPN Static key V1-----\n"
