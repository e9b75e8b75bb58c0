"""Tension 21: tunnels have counters of bytes, and our programs never read them."""

import asyncio
import re

from tests.named import ROOT
from tyst.core.openvpn.server import Range
from tyst.node.drivers.wireguard import _read_dump

COUNTERS = re.compile(
    r"rx_bytes|tx_bytes|bytes_received|bytes_sent|bytecount|wg[\"', ]+show[^\n]*transfer|status-version"
)
PEER_INFO = re.compile(r"push-peer-info")
READ_ALOUD = "the best that the program announced"
"""The parser of management lines speaks of it where it says what it drops."""


def readers(texts: dict[str, str]) -> list[str]:
    """Which of these source texts speak of a tunnel's counters."""
    return [name for name, text in texts.items() if COUNTERS.search(text)]


def sources(*rooms: str) -> dict[str, str]:
    """The source of these rooms by file."""
    folder = ROOT / "src/tyst"
    return {str(path.relative_to(folder)): path.read_text() for room in rooms for path in (folder / room).rglob("*.py")}


def test_no_line_of_node_gate_or_core_speaks_of_a_tunnels_counters() -> None:
    found = readers(sources("node", "gate", "messages", "core/openvpn", "core/wireguard"))
    assert [name for name in found if name != "node/load.py"] == []
    load = sources("node")["node/load.py"]
    assert "peer" not in {word for line in load.splitlines() if COUNTERS.search(line) for word in line.split()}


def test_that_search_would_find_one() -> None:
    for line in ('fields["rx_bytes"]', 'environment["bytes_received"]', 'send(b"bytecount 5")'):
        assert readers({"x": line}) == ["x"]


async def test_of_wireguards_own_listing_only_keys_and_handshakes_are_taken() -> None:
    key = b"\x11" * 32
    text = f"public_key={key.hex()}\nrx_bytes=123456789\ntx_bytes=987654321\nlast_handshake_time_sec=1700000000\n\n"
    reader = asyncio.StreamReader()
    reader.feed_data(text.encode())
    found: dict[bytes, int] = {}
    await _read_dump(reader, found, frozenset(), set())
    assert found == {key: 1700000000}


def test_no_profile_asks_a_client_to_describe_itself() -> None:
    texts = sources("core", "node", "site", "fleet")
    speaking = [name for name, text in texts.items() if PEER_INFO.search(text) and READ_ALOUD not in text]
    assert speaking == []
    assert Range(0)
