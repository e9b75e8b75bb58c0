"""The server's configuration: what it never says, and the addresses it hands out."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.openvpn.management import Framing
from tyst.core.openvpn.server import MAX_PROCESSES, Pair, Range, Server, client_options, server_text
from tyst.core.wireguard.addresses import OPENVPN6, OURS4


def server(protocol: str = "udp", port: int = 1194) -> Server:
    return Server(Range(0), protocol, port, "CERT", "KEY-OF-THE-NODE", "CA", "STATIC")  # type: ignore[arg-type]


def test_the_server_has_nothing_that_writes_runs_or_remembers() -> None:
    for value in (server(), server("tcp", 443)):
        words = {line.split(" ")[0] for line in server_text(value).splitlines()}
        assert not words & {
            "status",
            "log",
            "log-append",
            "syslog",
            "writepid",
            "ifconfig-pool",
            "ifconfig-pool-persist",
            "server",
            "client-config-dir",
            "client-connect",
            "client-disconnect",
            "auth-user-pass-verify",
            "learn-address",
            "plugin",
            "up",
            "down",
            "username-as-common-name",
            "client-to-client",
            "compress",
            "comp-lzo",
            "auth-gen-token",
            "daemon",
        }


def test_the_server_asks_us_and_nobody_else() -> None:
    lines = server_text(server()).splitlines()
    for wanted in (
        "management-client",
        "management-client-auth",
        "management-hold",
        "verify-client-cert none",
        "duplicate-cn",
        "allow-compression no",
        "reneg-sec 0",
        "verb 0",
        "ifconfig-noexec",
        "route-noexec",
        "script-security 0",
        "topology subnet",
        'push "redirect-gateway def1 ipv6"',
        'push "dhcp-option DNS 10.0.0.1"',
        'push "dhcp-option DNS fd74:7973:7400::1"',
        'push "block-outside-dns"',
    ):
        assert wanted in lines


def test_only_udp_says_goodbye() -> None:
    assert "explicit-exit-notify 1" in server_text(server())
    assert "explicit-exit-notify" not in server_text(server("tcp", 443))


def test_processes_never_share_an_address_and_stay_in_our_ranges() -> None:
    ranges = [Range(index) for index in range(MAX_PROCESSES)]
    assert len({span.net4 for span in ranges}) == len({span.net6 for span in ranges}) == MAX_PROCESSES
    for span in ranges:
        assert span.net4.subnet_of(OURS4)
        assert not span.net4.overlaps(ip_network("10.0.0.0/16"))
        assert span.net6.subnet_of(OPENVPN6)
    for index in (-1, MAX_PROCESSES):
        with pytest.raises(ValueError, match="15"):
            Range(index)


@given(st.integers(0, 14), st.integers(0, 2**64 - 1))
def test_every_number_is_a_pair_that_a_client_may_have(index: int, number: int) -> None:
    span = Range(index)
    pair = span.pick(number)
    assert pair.four in span.net4
    assert pair.six in span.net6
    assert pair.four not in (span.net4.network_address, span.gateway4, span.net4.broadcast_address)
    assert pair.six not in (span.net6.network_address, span.gateway6)


@pytest.mark.parametrize(("number", "four"), [(0, "10.1.0.2"), (65532, "10.1.255.254"), (65533, "10.1.0.2")])
def test_the_edges_of_a_range(number: int, four: str) -> None:
    assert str(Range(0).pick(number).four) == four


def test_a_client_gets_its_addresses_and_nothing_else() -> None:
    pair = Range(1).pick(10)
    assert client_options(Range(1), pair) == [
        "ifconfig-push 10.2.0.12 255.255.0.0",
        "ifconfig-ipv6-push fd74:7973:7400:2:2::2/80 fd74:7973:7400:2:2::1",
    ]


def test_neither_keys_nor_addresses_are_in_a_repr() -> None:
    assert "KEY-OF" not in repr(server())
    assert "10.1" not in repr(Range(0).pick(5))
    assert isinstance(Range(0).pick(5), Pair)


def test_the_compression_setting_is_a_mark_on_both_sides_and_the_server_never_compresses() -> None:
    pair = Range(0).pick(7)
    plain = client_options(Range(0), pair)
    assert client_options(Range(0), pair, Framing.STUB) == [*plain, "compress stub-v2", 'push "compress stub-v2"']
    assert client_options(Range(0), pair, Framing.LZO)[-1] == 'push "comp-lzo no"'
    assert "allow-compression no\n" in server_text(server())
