"""What the relays are told, as text."""

import json
import re
from ipaddress import ip_address, ip_network

from tyst.core import reach

KEY = "-----BEGIN OpenVPN Static key V1-----\n{}-----END OpenVPN Static key V1-----\n".format(f"{'ab' * 16}\n" * 16)


def test_the_password_is_the_same_from_a_key_file_and_from_a_profile() -> None:
    assert reach.password(KEY) == reach.password(f"#\n# 2048 bit OpenVPN static key\n#\n{KEY}\n")
    assert len(reach.password(KEY)) == 22
    assert reach.password(KEY) != reach.password(KEY.replace("ab", "ac"))


def test_shadowsocks_may_reach_one_address_and_no_name() -> None:
    head, *lines = reach.shadowsocks_rules().split()
    names = re.compile(lines.pop())
    nets = [ip_network(line) for line in lines]
    assert head == "[outbound_block_list]"

    def blocked(where: str) -> bool:
        return bool(names.search(where)) or any(
            ip_address(where) in net for net in nets if net.version == ip_address(where).version
        )

    assert not blocked("127.0.0.1")
    for where in (
        "127.0.0.0",
        "127.0.0.2",
        "10.0.0.1",
        "192.0.2.10",
        "255.255.255.255",
        "0.0.0.0",
        "::1",
        "2001:db8::1",
    ):
        assert blocked(where), where
    for name in ("localhost", "echo.test", "127.0.0.1.test", "a"):
        assert names.search(name)


def test_the_relays_are_not_told_to_speak() -> None:
    assert not {"-v", "-d", "-ly", "-f", "-lf"} & {
        *reach.tls_words("/identity", 51820),
        *reach.shadowsocks_words("/config", "/rules"),
    }
    assert json.loads(reach.shadowsocks_config(KEY))["mode"] == "tcp_only"


def test_commands_hold_addresses_and_nothing_of_the_customer() -> None:
    node = ip_address("192.0.2.10")
    assert node.version == 4
    assert "192.0.2.10:8443" in reach.tls_command(node, "se-sto.node.tyst", "a.crt")
    assert "-s 192.0.2.10 -p 8388" in reach.shadowsocks_command(node, KEY)
