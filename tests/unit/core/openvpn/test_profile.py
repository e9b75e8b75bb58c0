"""The portable .ovpn profile: its rules, its bytes, and that nothing else can get into it."""

from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tyst.core.faces import FACES, PLAIN, Face
from tyst.core.openvpn.profile import Profile, ProfileError, Remote, parse, profile, server_name_of

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\nAAAA==\n-----END CERTIFICATE-----\n"
KEY = (
    "-----BEGIN OpenVPN Static key V1-----\n"
    + "".join(f"{n:032x}\n" for n in range(16))
    + "-----END OpenVPN Static key V1-----\n"
)
UDP4 = Remote(ip_address("192.0.2.1"), 1194, "udp")
UDP6 = Remote(ip_address("2001:db8::1"), 1194, "udp")
TCP4 = Remote(ip_address("192.0.2.1"), 443, "tcp")


def made(*remotes: Remote, compression: bool = False) -> Profile:
    return Profile(remotes or (UDP4,), PEM, KEY, server_name_of("se-sto"), compression)


def lines(value: Profile) -> list[str]:
    return profile(value).splitlines()


def test_a_profile_says_what_stock_clients_need_and_nothing_that_they_refuse() -> None:
    text = lines(made(UDP4, UDP6))
    for wanted in (
        "client",
        "remote 192.0.2.1 1194 udp",
        "remote 2001:db8::1 1194 udp6",
        "remote-cert-tls server",
        "verify-x509-name se-sto.node.tyst name",
        "auth-user-pass",
        "auth-nocache",
        "auth-retry nointeract",
        "reneg-sec 0",
        "tls-version-min 1.2",
        "data-ciphers AES-256-GCM:CHACHA20-POLY1305",
        "explicit-exit-notify 1",
        "<ca>",
        "<tls-crypt>",
    ):
        assert wanted in text
    words = profile(made(UDP4, TCP4, compression=True))
    for refused in (
        "push-peer-info",
        "<connection>",
        "<auth-user-pass>",
        "script-security",
        "up ",
        "auth-token",
        "<key>",
    ):
        assert refused not in words
    assert max(map(len, text)) < 100


def test_exit_notify_stands_only_where_every_remote_is_udp() -> None:
    assert "explicit-exit-notify 1" in lines(made(UDP4, UDP6))
    assert "explicit-exit-notify 1" not in lines(made(TCP4))
    assert "explicit-exit-notify 1" not in lines(made(UDP4, TCP4))


def test_compression_allows_receiving_and_never_sending() -> None:
    assert not any("compress" in line or "comp-lzo" in line for line in lines(made()))
    compressing = [line for line in lines(made(compression=True)) if "compress" in line]
    assert compressing == ["setenv opt allow-compression asym"]


def test_remotes_keep_their_order() -> None:
    remotes = [line for line in lines(made(UDP4, UDP6, TCP4)) if line.startswith("remote ")]
    assert remotes == ["remote 192.0.2.1 1194 udp", "remote 2001:db8::1 1194 udp6", "remote 192.0.2.1 443 tcp"]


_ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
_REMOTES = st.builds(Remote, _ADDRESSES, st.integers(1, 65535), st.sampled_from(["udp", "tcp"]))


@given(st.lists(_REMOTES, min_size=1, max_size=8), st.booleans())
def test_every_profile_reads_back_as_itself(remotes: list[Remote], compression: bool) -> None:
    value = made(*remotes, compression=compression)
    assert parse(profile(value)) == value
    assert parse(profile(value).replace("\n", "\r\n")) == value


@given(st.text(max_size=400))
def test_garbage_is_refused_and_not_repeated(text: str) -> None:
    for candidate in (text, profile(made()) + text):
        try:
            parse(candidate)
        except ProfileError as error:
            assert error.__cause__ is None
            assert len(text) < 8 or text not in str(error)


@pytest.mark.parametrize(
    "more",
    ["up /bin/sh", "push-peer-info", "remote evil.example 1194 udp", "remote 192.0.2.9 0 udp", "plugin x", "client"],
)
def test_a_profile_with_anything_of_mallorys_is_refused(more: str) -> None:
    with pytest.raises(ProfileError):
        parse(f"{more}\n" + profile(made()))


@pytest.mark.parametrize(
    "name", ["", "a b", "se-sto\nup /bin/sh", "se-sto name\nscript-security 2", "ä", "-x", "x" * 64, 'a"', "a\x00"]
)
def test_a_server_name_cannot_carry_an_option(name: str) -> None:
    with pytest.raises(ProfileError):
        Profile((UDP4,), PEM, KEY, name)


@pytest.mark.parametrize(
    ("authority", "key"),
    [
        (PEM + "</ca>\nup /bin/sh\n<ca>\n", KEY),
        (PEM, KEY + "</tls-crypt>\nup /bin/sh\n"),
        ("", KEY),
        (PEM, ""),
        (PEM.replace("AAAA==", "AAAA;=="), KEY),
        (PEM, KEY.replace("0" * 32, "0" * 30)),
    ],
)
def test_inline_blocks_hold_what_they_are_for(authority: str, key: str) -> None:
    with pytest.raises(ProfileError):
        Profile((UDP4,), authority, key, "se-sto")


def test_comments_in_the_static_key_are_left_out() -> None:
    commented = "#\n# 2048 bit OpenVPN static key\n#\n" + KEY
    assert Profile((UDP4,), PEM, commented, "se-sto") == Profile((UDP4,), PEM, KEY, "se-sto")


def test_a_remote_has_a_real_port_and_a_real_protocol() -> None:
    for port in (0, -1, 65536):
        with pytest.raises(ProfileError):
            Remote(ip_address("192.0.2.1"), port, "udp")
    with pytest.raises(ProfileError):
        Remote(ip_address("192.0.2.1"), 1, "sctp")  # type: ignore[arg-type]
    with pytest.raises(ProfileError):
        Profile((), PEM, KEY, "se-sto")


def test_the_shared_key_is_in_no_repr() -> None:
    assert f"{5:032x}" not in repr(made())


@pytest.mark.parametrize("face", FACES)
def test_a_face_of_the_resolver_stands_in_the_profile_and_what_the_node_pushes_is_ignored(face: Face) -> None:
    value = replace(made(UDP4), face=face)
    said = [line for line in lines(value) if "dhcp-option" in line]
    wanted = ['pull-filter ignore "dhcp-option DNS"', f"dhcp-option DNS {face.four}", f"dhcp-option DNS {face.six}"]
    assert said == ([] if face == PLAIN else wanted) and parse(profile(value)) == value
    if face != PLAIN:
        with pytest.raises(ProfileError):
            parse(profile(value).replace(str(face.four), "198.51.100.9"))


def test_several_processes_are_picked_from_at_random() -> None:
    ports = made(*(Remote(IPv4Address("192.0.2.10"), port, "udp") for port in (1194, 1195)))
    assert "remote-random" in lines(ports)
    assert "remote-random" not in lines(made(Remote(IPv4Address("192.0.2.10"), 1194, "udp")))


def test_through_a_local_proxy_the_way_to_the_node_stays_outside_the_tunnel() -> None:
    inside = Remote(IPv4Address("127.0.0.1"), 443, "tcp")
    value = replace(made(inside), wrapped=IPv4Address("192.0.2.10"))
    assert {"socks-proxy 127.0.0.1 1080", "route 192.0.2.10 255.255.255.255 net_gateway"} <= set(lines(value))
    assert parse(profile(value)) == value
    for remotes in ((Remote(IPv4Address("192.0.2.10"), 443, "tcp"),), (inside, inside)):
        with pytest.raises(ProfileError, match="local proxy"):
            replace(value, remotes=remotes)
