"""The node's line to a gate that misbehaves: on a loopback, against a true TLS server in the test's hand."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tyst.messages.admission import Admission, AdmitKey, Renew, Renewed, Verdict, Why
from tyst.messages.codec import encode
from tyst.messages.fleet import Refusal
from tyst.node.doors import GateState
from tyst.node.gate_link import GateLink
from tyst.node.line import HttpsClient, LineError

QUESTION = AdmitKey(bytes(16), bytes(32))
OPEN = Admission(Verdict.OPEN, lease=b"lease")


def reply(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Server:
    """Answers each request with the next of its answers; None: hangs up; a number: waits so many seconds first."""

    def __init__(self, folder: Path) -> None:
        self.answers: list[bytes | float | None] = []
        self.requests: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.port = 0
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gate")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(key, SHA256())
        )  # fmt: skip
        (folder / "crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.own.load_cert_chain(folder / "crt", folder / "key")
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.load_verify_locations(folder / "crt")

    async def start(self, port: int = 0) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self.own)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if isinstance(answer, float):
                    await asyncio.sleep(answer)
                    answer = reply(encode(OPEN))
                if answer is None:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def link(server: Server) -> AsyncIterator[GateLink]:
    made = GateLink(f"https://127.0.0.1:{server.port}", server.client, asyncio.get_running_loop().time)
    yield made
    server.answers = [reply(encode(Renewed()))]
    await made.close()


async def eventually(condition: Callable[[], bool], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


async def test_questions_share_a_line_and_say_nothing_of_the_asker(server: Server, link: GateLink) -> None:
    server.answers = [reply(encode(OPEN))]
    for _ in range(5):
        assert await link.admit_key(QUESTION) == OPEN
    assert server.connections == 1 and link.state is GateState.CONNECTED
    head = server.requests[0].split(b"\r\n\r\n")[0].lower()
    assert [line.split(b":")[0] for line in head.split(b"\r\n")[1:]] == [b"host", b"content-type", b"content-length"]


async def test_an_idle_line_that_the_gate_closed_is_opened_anew_and_nobody_notices(
    server: Server, link: GateLink
) -> None:
    server.answers = [reply(encode(OPEN)), None, reply(encode(OPEN))]
    assert await link.admit_key(QUESTION) == OPEN
    assert await link.admit_key(QUESTION) == OPEN
    assert server.connections == 2 and link.state is GateState.CONNECTED


async def test_a_login_is_never_asked_twice_because_it_takes_a_slot(server: Server, link: GateLink) -> None:
    server.answers = [reply(encode(OPEN)), None, reply(encode(OPEN))]
    await link.admit_login(b"one")
    assert await link.admit_login(b"two") == Admission(Verdict.REFUSED, Why.UNREACHABLE)
    assert len([request for request in server.requests if b"/v1/admit/login" in request]) == 2


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
        b"SSH-2.0-x\r\n",
        reply(b"", "503 Busy"),
        reply(b"\xc1"),
    ],
)
async def test_whatever_a_broken_gate_says_the_answer_is_unreachable(
    server: Server, link: GateLink, answer: bytes | None
) -> None:
    server.answers = [answer]
    assert await link.admit_key(QUESTION) == Admission(Verdict.GARDEN, Why.UNREACHABLE)


async def test_a_reply_without_end_is_cut_off(server: Server) -> None:
    client = HttpsClient(f"https://127.0.0.1:{server.port}", server.client, 1000)
    server.answers = [reply(bytes(5000))]
    with pytest.raises(LineError):
        await client.post("/v1/x", b"", within=2.0)


async def test_a_gate_that_is_too_slow_is_lost_and_found_again_by_itself(server: Server, link: GateLink) -> None:
    server.answers = [3.0, reply(encode(Renewed()))]
    began = asyncio.get_running_loop().time()
    assert (await link.admit_key(QUESTION)).why is Why.UNREACHABLE
    assert asyncio.get_running_loop().time() - began < 2.5 and link.state is GateState.LOST
    await eventually(lambda: link.state is GateState.CONNECTED)
    assert link.found.is_set() and link.lost_for == 0.0


async def test_while_the_gate_is_lost_nobody_waits_for_it(server: Server, link: GateLink) -> None:
    await server.stop()
    await link.admit_key(QUESTION)
    assert link.state is GateState.LOST
    began = asyncio.get_running_loop().time()
    assert (await link.admit_key(QUESTION)).why is Why.UNREACHABLE
    assert (await link.admit_login(b"x")).why is Why.UNREACHABLE
    assert asyncio.get_running_loop().time() - began < 0.05
    server.answers = [reply(encode(Renewed()))]
    await server.start(server.port)
    await eventually(lambda: link.state is GateState.CONNECTED)


async def test_leases_to_give_back_wait_for_a_gate_that_is_away(server: Server, link: GateLink) -> None:
    await server.stop()
    link.give_back(b"lease one")
    assert await link.renew(Renew([])) is None
    server.answers = [reply(encode(Renewed()))]
    await server.start(server.port)
    await eventually(lambda: any(b"lease one" in request for request in server.requests))


async def test_a_lease_is_given_back_within_a_second_without_waiting_for_the_round(
    server: Server, link: GateLink
) -> None:
    server.answers = [reply(encode(Renewed()))]
    link.give_back(b"lease one")
    link.give_back(b"lease two")
    await eventually(lambda: len(server.requests) == 1, 1.0)
    assert b"lease one" in server.requests[0] and b"lease two" in server.requests[0]


async def test_refusals_have_their_own_verdicts(server: Server, link: GateLink) -> None:
    server.answers = [reply(encode(Refusal("slowly", "")), "429 x"), reply(encode(Refusal("revoked", "")), "403 x")]
    assert (await link.admit_key(QUESTION)).verdict is Verdict.BUSY
    assert await link.admit_key(QUESTION) == Admission(Verdict.REFUSED, Why.NODE)
    assert link.state is GateState.CONNECTED
