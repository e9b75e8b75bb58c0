"""What an openvpn server's memory holds of a customer: while she is connected, and when she is gone."""

import ipaddress

from tests.lab.openvpn_rig import BEYOND4, Rig, pings, scenario, until

NAME, WORD, ADDRESS = "alice-mark-7731", "pw-mark-99812", "192.0.2.10"
MARKS = {
    "name": NAME.encode(),
    "password": WORD.encode(),
    "address": ADDRESS.encode(),
    "address in binary": ipaddress.ip_address(ADDRESS).packed,
}


def copies(pid: int) -> dict[str, int]:
    """How often each mark stands in a process's memory."""
    found = dict.fromkeys(MARKS, 0)
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if "r" not in rights or "[v" in line:
                continue
            low, high = (int(edge, 16) for edge in span.split("-"))
            memory.seek(low)
            data = memory.read(high - low)
            for mark, text in MARKS.items():
                found[mark] += data.count(text)
    return found


async def _visit(rig: Rig, protocol: str, index: int) -> None:
    rig.gate.accounts[NAME] = WORD
    client = await rig.connect("alice", protocol, account=NAME)
    await client.up()
    await until(rig.openvpn.held)
    assert await pings("alice", BEYOND4)
    served = rig.openvpn._parts[index][0].pid
    assert served is not None
    during = copies(served)
    assert during["name"] > 0, "the scan finds what is there"
    assert during["address"] > 0
    await client.stop()
    await until(lambda: not rig.openvpn.held())
    after = copies(served)
    assert after["name"] == after["password"] == 0, after
    await until(lambda: rig.openvpn._parts[index][0].pid not in (None, served), within=12)
    fresh = rig.openvpn._parts[index][0]
    await until(fresh._serving.is_set)
    assert fresh.pid is not None
    assert sum(copies(fresh.pid).values()) == 0
    again = await rig.connect("bob", protocol)
    await again.up()


@scenario
async def test_a_closed_udp_tunnel_leaves_no_name_no_password_and_soon_no_address(rig: Rig) -> None:
    await _visit(rig, "udp", 0)


@scenario
async def test_a_closed_tcp_tunnel_leaves_no_name_no_password_and_soon_no_address(rig: Rig) -> None:
    await _visit(rig, "tcp", 1)


@scenario
async def test_a_handshake_under_way_keeps_the_process(rig: Rig) -> None:
    rig.gate.delay = 3
    process = rig.openvpn._parts[0][0]
    served = process.pid
    client = await rig.connect("alice")
    await until(lambda: rig.gate.asked)
    process.renew()
    await client.up()
    assert process.pid == served
    await client.stop()
    await until(lambda: process.pid not in (None, served), within=12)
