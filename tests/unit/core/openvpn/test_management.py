"""OpenVPN's management protocol: what openvpn says, what Mallory makes it say, and what we say back."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tyst.core.openvpn import management as m
from tyst.core.transient import Transient

CONNECT = (
    b">CLIENT:CONNECT,7,1\r\n"
    b">CLIENT:ENV,n_clients=0\r\n"
    b">CLIENT:ENV,IV_PLAT=linux\r\n"
    b">CLIENT:ENV,IV_HWADDR=02:00:00:aa:bb:cc\r\n"
    b">CLIENT:ENV,untrusted_ip=192.0.2.77\r\n"
    b">CLIENT:ENV,untrusted_port=50123\r\n"
    b">CLIENT:ENV,username=alice\r\n"
    b">CLIENT:ENV,password=correct=horse,battery\r\n"
    b">CLIENT:ENV,time_unix=1790000000\r\n"
    b">CLIENT:ENV,END\r\n"
)
TALK = (
    b">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
    b">HOLD:Waiting for hold release:0\r\nSUCCESS: hold release succeeded\r\n"
    b">STATE:1790000000,CONNECTED,SUCCESS,10.1.0.1,,,,fd00::1\r\n"
    + CONNECT
    + b"SUCCESS: client-auth command succeeded\r\n"
    b">CLIENT:ADDRESS,7,10.1.55.66,1\r\n"
    b">CLIENT:ESTABLISHED,7\r\n>CLIENT:ENV,trusted_ip=192.0.2.77\r\n>CLIENT:ENV,END\r\n"
    b">CLIENT:DISCONNECT,7\r\n>CLIENT:ENV,bytes_received=4711\r\n>CLIENT:ENV,END\r\n"
    b"TITLE\tOpenVPN\r\nCLIENT_LIST\tUNDEF\t192.0.2.77:50123\t\t\t0\t0\r\nGLOBAL_STATS\tx\t0\r\nEND\r\n"
    b"ERROR: client-kill command failed\r\n>FATAL:something about 192.0.2.77\r\n"
)
EVENTS = [
    m.Hold(),
    m.Reply(True),
    m.State("CONNECTED"),
    m.Connect(7, 1, Transient("alice"), Transient("correct=horse,battery"), 0),
    m.Reply(True),
    m.Address(7),
    m.Established(7),
    m.Disconnect(7),
    m.Listed(),
    m.ListEnd(),
    m.Reply(False),
    m.Fatal(),
]


def test_a_whole_conversation_becomes_its_events() -> None:
    assert m.Parser().feed(TALK) == EVENTS


@given(st.lists(st.integers(0, len(TALK)), max_size=12))
def test_the_same_bytes_give_the_same_events_however_they_are_cut(cuts: list[int]) -> None:
    parser, edges = m.Parser(), [0, *sorted(cuts), len(TALK)]
    found = [event for a, b in pairwise(edges) for event in parser.feed(TALK[a:b])]
    assert found == EVENTS


_FRAGMENTS = st.sampled_from(
    [b">CLIENT:", b"CONNECT,1,2", b"ENV,", b"END", b"username=", b"password=x", b"\n", b"\r\n", b",", b"\xff\x00", b">"]
)


@given(st.lists(st.one_of(_FRAGMENTS, st.binary(max_size=40)), max_size=60), st.integers(1, 50))
@example([b">CLIENT:CONNECT,1,2\n", b"a" * 9000, b"\n>CLIENT:ENV,END\n"], 7)
def test_garbage_never_raises_and_reads_the_same_in_any_pieces(parts: list[bytes], step: int) -> None:
    noise = b"".join(parts)
    whole, cut = m.Parser(), m.Parser()
    in_pieces = [event for at in range(0, len(noise), step) for event in cut.feed(noise[at : at + step])]
    assert whole.feed(noise) == in_pieces
    assert len(cut._line) <= m.MAX_LINE


def test_endless_lines_and_endless_environments_take_no_memory() -> None:
    parser = m.Parser()
    parser.feed(b">CLIENT:CONNECT,1,2\n")
    for number in range(3000):
        parser.feed(b">CLIENT:ENV,IV_%d=%s\n" % (number, b"x" * 200))
    for _ in range(100):
        parser.feed(b"y" * 65536)
    assert len(parser._line) == 0
    block = parser._block
    assert block is not None
    assert len(block._values) == 0


def test_nothing_of_the_environment_but_the_login_is_kept() -> None:
    buckets: list[str] = []

    def bucket_of(address: str) -> int:
        buckets.append(address)
        return 42

    (event,) = m.Parser(bucket_of).feed(CONNECT)
    assert isinstance(event, m.Connect)
    assert buckets == ["192.0.2.77"]
    assert event.bucket == 42
    assert "192.0.2.77" not in repr(event)
    assert "alice" not in repr(event)
    assert "horse" not in repr(event)
    assert set(vars(event)) == {"cid", "kid", "username", "password", "bucket", "framing"}


@pytest.mark.parametrize(
    "lines",
    [
        b">CLIENT:ENV,password=x\n>CLIENT:ENV,END\n",
        b">CLIENT:ENV,username=x\n>CLIENT:ENV,END\n",
        b">CLIENT:ENV,username=alice\n>CLIENT:ENV,username=bob\n>CLIENT:ENV,password=x\n>CLIENT:ENV,END\n",
        b">CLIENT:ENV,username=\xff\xfe\n>CLIENT:ENV,password=x\n>CLIENT:ENV,END\n",
        b">CLIENT:ENV,username=alice\n>CLIENT:ENV,password=x\n>CLIENT:ENV,a=" + b"z" * 5000 + b"\n>CLIENT:ENV,END\n",
        b">CLIENT:ENV,username=alice\n>CLIENT:ENV,password=x\n>HOLD:Waiting\n",
    ],
)
def test_a_login_that_is_not_whole_is_unreadable(lines: bytes) -> None:
    assert m.Unreadable(3, 4) in m.Parser().feed(b">CLIENT:CONNECT,3,4\n" + lines)


def test_mallorys_name_cannot_pass_for_another_line() -> None:
    """openvpn replaces line ends in names; were it to forget once, the rest of the name is a line of its own."""
    name = b"mallory\n>CLIENT:ESTABLISHED,1\n>CLIENT:ENV,END\nclient-kill 1"
    talk = b">CLIENT:CONNECT,9,1\n>CLIENT:ENV,username=" + name + b"\n>CLIENT:ENV,password=p\n>CLIENT:ENV,END\n"
    events = m.Parser().feed(talk)
    assert not any(isinstance(event, m.Connect) for event in events)
    assert events[0] == m.Unreadable(9, 1)


def test_a_renegotiation_is_told_from_a_login() -> None:
    (event,) = m.Parser().feed(CONNECT.replace(b"CONNECT", b"REAUTH"))
    assert isinstance(event, m.Reauth)


def test_commands_are_the_lines_of_the_protocol() -> None:
    options = ["ifconfig-push 10.1.2.3 255.255.0.0", 'push "route 10.0.0.1 255.255.255.255"']
    assert m.client_auth(3, 1, options) == (
        b'client-auth 3 1\nifconfig-push 10.1.2.3 255.255.0.0\npush "route 10.0.0.1 255.255.255.255"\nEND\n'
    )
    assert m.client_auth(3, 1) == b"client-auth 3 1\nEND\n"
    assert m.client_deny(3, 1, "device-limit") == b'client-deny 3 1 "-" "device-limit"\n'
    assert m.client_kill(3) == b"client-kill 3\n"
    assert m.client_kill(3, halt=True) == b"client-kill 3 HALT\n"
    assert m.temporary("try-again", backoff=10) == "TEMP[backoff 10]:try-again"
    assert m.temporary("full", backoff=5, elsewhere=True) == "TEMP[backoff 5,advance remote]:full"


@given(st.text(max_size=60))
def test_no_reason_and_no_option_can_carry_a_second_command(text: str) -> None:
    for make in (lambda: m.client_deny(1, 1, text), lambda: m.client_auth(1, 1, [text])):
        try:
            command = make()
        except m.CommandError as error:
            assert not text or text not in str(error) or len(text) < 4
            continue
        assert command.count(b"\n") == (1 if command.startswith(b"client-deny") else 3)
        assert re.fullmatch(rb"[\x20-\x7e\n]+", command)
        if command.startswith(b"client-deny"):
            assert command.count(b'"') == 4
            assert b"\\" not in command


@pytest.mark.parametrize("line", ["", "END", "a\nclient-kill 1", "a\rb", "a\x00b", "x" * 1001, "é", "a\\b", "a;b"])
def test_dangerous_options_are_refused(line: str) -> None:
    with pytest.raises(m.CommandError):
        m.client_auth(1, 1, [line])


@pytest.mark.parametrize("reason", ["", 'a" "b', "a\nb", "a\\", "x" * 101, "é"])
def test_dangerous_reasons_are_refused(reason: str) -> None:
    with pytest.raises(m.CommandError):
        m.client_deny(1, 1, reason)


def test_numbers_cannot_be_negative() -> None:
    with pytest.raises(m.CommandError):
        m.client_kill(-1)


@pytest.mark.parametrize(
    ("told", "framing"),
    [
        (b"", m.Framing.NONE),
        (b">CLIENT:ENV,IV_LZO_STUB=1\n", m.Framing.LZO),
        (b">CLIENT:ENV,IV_COMP_STUBv2=1\n>CLIENT:ENV,IV_LZO=1\n", m.Framing.STUB),
        (b">CLIENT:ENV,IV_COMP_STUBv2=0\n>CLIENT:ENV,IV_COMP_STUBv3=1\n", m.Framing.NONE),
    ],
)
def test_of_the_program_only_the_framing_that_it_knows_is_kept(told: bytes, framing: m.Framing) -> None:
    pair = b">CLIENT:ENV,username=a\n>CLIENT:ENV,password=b\n"
    (event,) = m.Parser().feed(b">CLIENT:CONNECT,1,2\n" + told + pair + b">CLIENT:ENV,END\n")
    assert isinstance(event, m.Connect) and event.framing is framing
