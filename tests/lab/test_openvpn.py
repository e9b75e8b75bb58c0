"""Stock openvpn clients against a node's OpenVPN: who gets in, who doesn't and what she is told, and how it ends."""

import os
import signal
import time

from tests.lab.openvpn_rig import BEYOND4, BEYOND6, Rig, pings, scenario, shell, until
from tyst.messages.admission import Verdict, Why
from tyst.node.doors import GateState


@scenario
async def test_alice_connects_over_udp_and_both_families_go_through_the_tunnel(rig: Rig) -> None:
    client = await rig.connect("alice")
    await client.up()
    await until(lambda: len(rig.firewall.open) == 2)
    assert rig.gate.asked == ["alice"]
    assert await pings("alice", BEYOND4)
    assert await pings("alice", BEYOND6)
    for address in (BEYOND4, BEYOND6):
        _, route = await shell("ip", "-n", "alice", "route", "get", address)
        assert "dev tun" in route
    assert len(rig.openvpn.held()) == 1
    await client.stop()
    await until(lambda: rig.gate.returned == rig.gate.granted, within=8)
    assert not rig.firewall.open
    assert rig.openvpn.held() == []


@scenario
async def test_alice_connects_over_tcp_443_although_the_process_is_nobody(rig: Rig) -> None:
    client = await rig.connect("alice", "tcp")
    await client.up()
    assert await pings("alice", BEYOND4)
    await client.stop()
    await until(lambda: rig.gate.returned == rig.gate.granted, within=3)


@scenario
async def test_alice_connects_over_ipv6(rig: Rig) -> None:
    client = await rig.connect("alice", six=True)
    await client.up()
    assert await pings("alice", BEYOND4)


@scenario
async def test_two_devices_with_one_login_live_side_by_side(rig: Rig) -> None:
    first = await rig.connect("alice")
    await first.up()
    second = await rig.connect("bob", account="alice")
    await second.up()
    await until(lambda: len(rig.openvpn.held()) == 2)
    assert rig.gate.asked == ["alice", "alice"]
    assert await pings("alice", BEYOND4)
    assert await pings("bob", BEYOND4)
    assert len(rig.firewall.open) == 4
    assert first.said("Restart") == first.said("SIGUSR1") == 0


@scenario
async def test_every_refusal_is_told_to_the_client_in_its_own_words(rig: Rig) -> None:
    wrong = await rig.connect("alice", password="wrong")
    await until(lambda: wrong.said("AUTH_FAILED,wrong-login"))
    await wrong.stop()
    for verdict, why, words in (
        (Verdict.GARDEN, Why.EXPIRED, "AUTH_FAILED,account-expired"),
        (Verdict.GARDEN, Why.SLOTS, "AUTH_FAILED,TEMP[backoff 30]:device-limit"),
        (Verdict.BUSY, Why.BUSY, "AUTH_FAILED,TEMP[backoff 10]:try-again"),
    ):
        rig.gate.refuse["bob"] = (verdict, why)
        client = await rig.connect("bob")
        await until(lambda client=client, words=words: client.said(words), what=words)  # type: ignore[misc]
        await client.stop()
    assert rig.openvpn.held() == []
    assert not rig.firewall.open


@scenario
async def test_a_lease_that_the_gate_ends_closes_the_tunnel_within_seconds(rig: Rig) -> None:
    client = await rig.connect("alice")
    await client.up()
    await until(rig.openvpn.held)
    assert await pings("alice", BEYOND4)
    rig.gate.refuse["alice"] = (Verdict.GARDEN, Why.EXPIRED)
    (held,) = rig.openvpn.held()
    began = time.monotonic()
    await rig.openvpn.end(held.lease, Why.EXPIRED)
    assert not rig.firewall.open
    assert rig.openvpn.held() == []
    await until(lambda: client.said("Connection reset command was pushed"), within=5)
    assert not await pings("alice", BEYOND4)
    await until(lambda: client.said("AUTH_FAILED,account-expired"), within=15)
    print(f"told after {time.monotonic() - began:.1f} s")
    assert rig.gate.returned == []
    # The client is still there with its tunnel device, so that nothing goes out in the clear.
    _, route = await shell("ip", "-n", "alice", "route", "get", BEYOND4)
    assert "dev tun" in route


@scenario
async def test_renegotiation_is_answered_by_the_node_without_the_gate(rig: Rig) -> None:
    client = await rig.connect("alice", extra="reneg-sec 5")
    await client.up()
    rig.gate.state = GateState.LOST
    await until(lambda: client.said("Outgoing Data Channel") >= 2, within=20)
    assert rig.gate.asked == ["alice"]
    assert await pings("alice", BEYOND4)
    assert client.said("AUTH_FAILED") == 0


@scenario
async def test_a_slow_gate_holds_up_nobody_who_is_connected(rig: Rig) -> None:
    first = await rig.connect("alice")
    await first.up()
    rig.gate.delay = 4
    second = await rig.connect("bob")
    await until(lambda: rig.gate.asked == ["alice", "bob"])
    began = time.monotonic()
    _, out = await shell("ip", "netns", "exec", "alice", "ping", "-c", "20", "-i", "0.05", "-W", "1", BEYOND4)
    assert time.monotonic() - began < 3
    assert " 0% packet loss" in out
    worst = float(out.rsplit("=", 1)[1].split("/")[2])
    assert worst < 200, out
    await second.up()


@scenario
async def test_a_lost_gate_leaves_tunnels_alone_lets_them_back_and_admits_nobody_new(rig: Rig) -> None:
    alice = await rig.connect("alice")
    await alice.up()
    rig.gate.state = GateState.LOST
    assert await pings("alice", BEYOND4)
    bob = await rig.connect("bob")
    await until(lambda: bob.said("AUTH_FAILED,TEMP[backoff 20]:gate-unreachable"))
    await bob.stop()
    await alice.stop()
    await until(lambda: rig.openvpn.held() == [], within=5)
    assert rig.gate.returned == []
    thief = await rig.connect("bob", account="alice", password="guess")
    await until(lambda: thief.said("AUTH_FAILED,TEMP[backoff 20]:gate-unreachable"))
    await thief.stop()
    again = await rig.connect("alice")
    await again.up()
    await until(lambda: [held.lease for held in rig.openvpn.held()] == rig.gate.granted)
    assert await pings("alice", BEYOND4)
    rig.gate.state = GateState.CONNECTED
    await again.stop()
    await until(lambda: rig.gate.returned == rig.gate.granted, within=5)


@scenario
async def test_a_killed_server_is_started_again_and_its_slots_go_back(rig: Rig) -> None:
    client = await rig.connect("alice")
    await client.up()
    await until(rig.openvpn.held)
    before = rig.openvpn.pids
    os.kill(before[0], signal.SIGKILL)
    await until(lambda: rig.gate.returned == rig.gate.granted, within=5)
    assert not rig.firewall.open
    await until(lambda: len(rig.openvpn.pids) == 2 and rig.openvpn.pids != before, within=10)
    other = await rig.connect("bob")
    await other.up()


@scenario
async def test_many_wrong_logins_from_one_network_are_no_longer_asked_about(rig: Rig) -> None:
    client = await rig.connect("alice", password="wrong", extra="connect-retry 1 1\nconnect-retry-max 100")
    await until(lambda: client.said("AUTH_FAILED,wrong-login") >= 2, within=20)
    limiter = rig.openvpn._parts[0][1]._with.limiter
    bucket = limiter.bucket_of("192.0.2.10")
    while limiter.take(bucket) is not None:
        pass
    asked = len(rig.gate.asked)
    other = await rig.connect("bob")
    await until(lambda: other.said("TEMP[backoff 10]:try-again"))
    assert rig.gate.asked.count("bob") == 0
    assert len(rig.gate.asked) == asked
