"""Row 43: whatever becomes of whoever decides, nobody comes in without a yes of the gate.

The agent dies, the gate is silent for too long, the password is empty, two answers come, an answer that belongs to
somebody else comes: over the real openvpn, with a gate that does as it is told (`tests.lab.openvpn_rig`).
"""

import pytest

from tests.lab.openvpn_rig import BEYOND4, Rig, pings, scenario, until
from tyst.messages.admission import Verdict, Why
from tyst.node.openvpn import door as doors


@scenario
async def test_nobody_is_let_in_by_a_lost_agent_a_late_gate_an_empty_password_or_a_second_answer(rig: Rig) -> None:
    process, door = rig.openvpn._parts[0]
    # An agent that dies in the middle of a login: its socket ends, and openvpn with it.
    rig.gate.delay = 5
    client = await rig.connect("alice")
    await until(lambda: rig.gate.asked)
    served = process.pid
    assert process._writer is not None and served is not None
    process._writer.abort()
    await until(lambda: process.pid not in (None, served), within=10)
    assert client.said("Initialization Sequence Completed") == 0
    await client.stop()
    # An empty password is a question like any other, and the answer is no.
    rig.gate.delay = 0
    client = await rig.connect("bob", password=" ")
    await until(lambda: client.said("AUTH_FAILED"), within=20)
    await client.stop()
    assert not rig.firewall.open and rig.openvpn.held() == []
    # A gate that is silent for longer than we wait.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doors, "ASK_SECONDS", 0.5)
        rig.gate.delay = 3
        client = await rig.connect("alice")
        await until(lambda: client.said("AUTH_FAILED,TEMP[backoff 10]:try-again"), within=20)
        await client.stop()
    rig.gate.delay = 0
    # Two answers: openvpn takes the first; a yes after a no, and for a client that is gone, opens nothing.
    rig.gate.refuse["alice"] = (Verdict.REFUSED, Why.LOGIN)
    sent = []
    before = process.send
    door._send = lambda command: (sent.append(command), before(command))[0]
    client = await rig.connect("alice")
    await until(lambda: any(one.startswith(b"client-deny") for one in sent), within=20)
    cid = sent[-1].split()[1].decode()
    before(f"client-auth {cid} 0\nEND\nclient-auth {int(cid) + 1} 0\nEND\n".encode())
    await until(lambda: client.said("AUTH_FAILED"), within=20)
    await client.stop()
    assert client.said("Initialization Sequence Completed") == 0 and not rig.firewall.open
    # The same client, when the gate says yes: what was shut was a door and not a wall.
    rig.gate.refuse.clear()
    client = await rig.connect("alice")
    await client.up()
    assert await pings("alice", BEYOND4)


@scenario
async def test_a_door_that_said_yes_by_default_would_let_her_in(rig: Rig) -> None:
    """The planted fault: time-outs that end in a yes."""
    process, door = rig.openvpn._parts[0]

    async def careless(asked: object, sealed: bytes) -> None:
        process.send(f"client-auth {asked.cid} {asked.kid}\nifconfig-push 10.1.7.7 255.255.0.0\nEND\n".encode())  # type: ignore[attr-defined]

    door._ask = careless  # type: ignore[method-assign, assignment]
    client = await rig.connect("bob", password="wrong")
    await client.up()
    assert not rig.firewall.open, "and even so the firewall would open nothing for a tunnel without a lease"
