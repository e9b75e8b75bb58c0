"""OpenVPN by setting: several processes on one node, and the account's compression flag, with Debian's own client.

Compression is judged from outside, by how long the packets on the wire are.
"""

import asyncio
import re
from dataclasses import replace
from ipaddress import ip_address

import pytest

from tests.lab.openvpn_rig import BEYOND4, NODE4, Rig, pings, scenario, shell, until
from tyst.core.openvpn import server
from tyst.core.openvpn.profile import Profile, Remote, profile
from tyst.messages.admission import Features
from tyst.node.openvpn.wiring import build, udp_ports

PAYLOAD = 1200
ZEROS = ("ping", "-c", "3", "-i", "0.2", "-W", "2", "-s", str(PAYLOAD), "-p", "00")


@scenario
async def test_two_processes_share_alice_and_bob_by_one_profile(rig: Rig) -> None:
    await rig.openvpn.stop()
    rig.openvpn = build(replace(rig.context, processes=2))
    await rig.openvpn.start()
    assert len(rig.openvpn.pids) == 3, "two for UDP, one for TCP"
    ports = udp_ports(2)
    assert ports == (1194, 1195)
    remotes = tuple(Remote(ip_address(NODE4), port, "udp") for port in ports)
    both = profile(Profile(remotes, rig.authority_pem, rig.tls_crypt, "se-sto.tyst.test"))
    assert "remote-random\n" in both
    rig.profile = lambda protocol, *, six=False: both  # type: ignore[method-assign, misc]
    for person, port in (("alice", 1194), ("bob", 1195)):
        # By chance each of them takes either; the other's process is silenced, so that both are used.
        other = 1194 + 1195 - port
        rule = f"table ip t {{ chain o {{ type filter hook output priority 0; udp dport {other} drop; }}; }}"
        assert (await shell("ip", "netns", "exec", person, "nft", rule))[0] == 0
        client = await rig.connect(person, extra="connect-timeout 3\nserver-poll-timeout 3")
        await client.up()
        assert await pings(person, BEYOND4)
    held = [len(door.held()) for _, door in rig.openvpn._parts]
    assert held == [1, 0, 1], held
    shown = [(await shell("ip", "-n", person, "-4", "addr", "show", "dev", "tun0"))[1] for person in ("alice", "bob")]
    assert " 10.1." in shown[0] and " 10.3." in shown[1], "each process has addresses of its own"


async def _lengths() -> list[int]:
    """Lengths of the node's UDP packets to Alice while three pings full of zeros are answered, the longest first."""
    words = ("tcpdump", "-lnni", "v-alice", "--immediate-mode", "udp", "and", "src", "host", NODE4)
    watch = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert watch.stderr is not None
    await asyncio.wait_for(watch.stderr.readuntil(b"listening"), 10)
    code, out = await shell("ip", "netns", "exec", "alice", *ZEROS, BEYOND4)
    watch.terminate()
    said, _ = await asyncio.wait_for(watch.communicate(), 10)
    assert code == 0, out
    return sorted((int(found) for found in re.findall(r"length (\d+)", said.decode())), reverse=True)


def _wants(rig: Rig, compression: bool) -> None:
    """The gate says that these accounts have the setting, or not."""
    rig.gate.features = Features(ipv6=True, compression=compression)


def _naive() -> list[str]:
    """The planted fault: what somebody would configure who takes the setting at its word."""
    lines = [line for line in server._security() if "compression" not in line]
    return [*lines, "allow-compression yes", "compress lz4", 'push "compress lz4"']


@scenario
async def test_with_the_flag_the_node_never_compresses_and_without_it_nothing_changes(rig: Rig) -> None:
    lengths = []
    for flag, extra in ((False, ""), (True, "allow-compression yes\ncomp-lzo")):
        _wants(rig, flag)
        client = await rig.connect("alice", extra=extra)
        await client.up()
        pushed = [line for line in client.lines if "PUSH: Received control message" in line]
        assert ("compress stub-v2" in pushed[-1]) == flag
        lengths.append((await _lengths())[:3])
        await client.stop()
        await until(lambda: not rig.openvpn.held())
    assert lengths[0] == lengths[1] and lengths[0][2] > PAYLOAD
    _wants(rig, False)
    await rig.openvpn.stop()
    with pytest.MonkeyPatch.context() as patch:
        naive = _naive()
        patch.setattr(server, "_security", lambda: naive)
        rig.openvpn = build(rig.context)
        await rig.openvpn.start()
    client = await rig.connect("alice", extra="allow-compression asym")
    await client.up()
    assert (await _lengths())[2] < 300, "a server that compressed would show it"


@pytest.mark.night
@scenario
async def test_an_old_configuration_with_comp_lzo_works_with_the_flag_and_not_without(rig: Rig) -> None:
    for flag in (False, True):
        _wants(rig, flag)
        client = await rig.connect("alice", extra="comp-lzo no")
        await client.up()
        assert await pings("alice", BEYOND4) == flag, client.lines[-8:]
        await client.stop()
        await until(lambda: not rig.openvpn.held())
