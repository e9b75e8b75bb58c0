"""The notice page on a socket: garbage, slow peers, many peers, and whose reason is asked for."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from ipaddress import IPv6Address, ip_address

import pytest

from tyst.messages.admission import Why
from tyst.node.notice import page as page_module
from tyst.node.notice.page import NoticePage

HOME = ip_address("127.0.0.1")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a notice page on this test's own loopback."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False, timeout=5)
    notice = NoticePage("https://tyst.test", lambda _: Why.SLOTS, "Stockholm")
    await notice.start([HOME], port=0)
    yield notice.ports[0]
    await notice.stop()


async def talk(port: int, data: bytes, *, within: float = 5, close: bool = False) -> bytes:
    """What comes back for these bytes, until the page hangs up."""
    reader, writer = await asyncio.open_connection(str(HOME), port)
    writer.write(data)
    if close:
        writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), within)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_browser_gets_the_page_and_a_closed_connection(port: int) -> None:
    answer = await talk(port, b"GET /sv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in head.lower()
    assert b"server:" not in head.lower()
    assert b"<title>Du \xc3\xa4r ansluten genom Stockholm" in body, "an IPv4 peer is in no garden"


async def test_a_head_request_gets_no_body(port: int) -> None:
    answer = await talk(port, b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"200" in answer.split(b"\r\n")[0]


async def test_a_probe_is_redirected(port: int) -> None:
    answer = await talk(port, b"GET /generate_204 HTTP/1.1\r\nHost: connectivitycheck.gstatic.com\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 302")
    assert b"location: http://127.0.0.1/\r\n" in answer.lower()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"MALLORY-WAS-HERE\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Mallory: was here\r\n" * 1000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET " + b"/mallory" * 3000 + b" HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
    ],
)
async def test_garbage_gets_a_short_refusal_that_repeats_nothing(
    port: int, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = await talk(port, garbage, close=True)
    assert answer[:12] in (b"HTTP/1.1 400", b"")
    assert b"allory" not in answer
    assert b"MALLORY" not in answer
    said = capfd.readouterr()
    assert said.out == said.err == ""


async def test_a_peer_that_says_nothing_is_hung_up_on(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PATIENCE", 0.2)
    assert await talk(port, b"GET / HT", within=3) == b""


async def test_more_peers_than_there_is_room_for_get_nothing_and_the_rest_are_served(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "AT_ONCE", 1)
    _, writer = await asyncio.open_connection(str(HOME), port)
    await asyncio.sleep(0)
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    async def turned_away() -> bool:
        return await talk(port, request) == b""

    assert await turned_away()
    writer.close()
    for _ in range(100):
        if not await turned_away():
            return
    pytest.fail("room never came back")


async def test_the_reason_is_asked_for_with_the_peers_own_address() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False, timeout=5)
    asked: list[IPv6Address] = []

    def reason_of(address: IPv6Address) -> Why:
        asked.append(address)
        return Why.EXPIRED

    notice = NoticePage("https://tyst.test", reason_of)
    await notice.start([ip_address("::1")], port=0)
    reader, writer = await asyncio.open_connection("::1", notice.ports[0], family=socket.AF_INET6)
    writer.write(b"GET /de HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await notice.stop()
    assert asked == [IPv6Address("::1")]
    assert b"Ihr Abonnement ist abgelaufen" in answer
