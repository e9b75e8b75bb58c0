"""Who may come back while the gate is lost."""

from tyst.core.transient import Transient
from tyst.messages.admission import Features
from tyst.node.openvpn.outage import LONGEST_OUTAGE, Outage, Resting


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def made() -> tuple[Outage, Clock, bytes]:
    clock = Clock()
    outage = Outage(clock, b"k" * 32)
    return outage, clock, outage.proof(Transient("alice"), Transient("correct"))


def test_without_an_outage_nothing_rests() -> None:
    outage, _, proof = made()
    assert outage.observe(False) == []
    assert not outage.rest(proof, b"lease", Features())
    assert outage.take(proof) is None


def test_alice_comes_back_with_her_lease_once() -> None:
    outage, _, proof = made()
    outage.observe(True)
    assert outage.rest(proof, b"lease", Features(ipv6=True))
    assert outage.take(proof) == Resting(b"lease", Features(ipv6=True))
    assert outage.take(proof) is None


def test_two_devices_with_one_login_have_two_leases() -> None:
    outage, _, proof = made()
    outage.observe(True)
    assert outage.rest(proof, b"one", Features())
    assert outage.rest(proof, b"two", Features())
    assert {outage.take(proof), outage.take(proof)} == {Resting(b"one", Features()), Resting(b"two", Features())}


def test_mallory_with_another_password_finds_nothing() -> None:
    outage, _, proof = made()
    outage.observe(True)
    outage.rest(proof, b"lease", Features())
    for name, word in (("alice", "wrong"), ("alic", "ecorrect"), ("", "alicecorrect"), ("alice", "")):
        assert outage.take(outage.proof(Transient(name), Transient(word))) is None


def test_the_gates_return_gives_every_resting_lease_back() -> None:
    outage, _, proof = made()
    outage.observe(True)
    outage.rest(proof, b"lease", Features())
    assert outage.observe(True) == []
    assert outage.observe(False) == [b"lease"]
    assert outage.observe(False) == []
    assert outage._resting == {}


def test_after_a_day_without_the_gate_nobody_comes_back() -> None:
    outage, clock, proof = made()
    outage.observe(True)
    outage.rest(proof, b"lease", Features())
    clock.now += LONGEST_OUTAGE - 1
    outage.observe(True)
    assert not outage.over
    clock.now += 1
    assert outage.over
    assert outage.take(proof) is None
    assert outage.observe(True) == [b"lease"]
    assert not outage.rest(proof, b"other", Features())


def test_proofs_of_two_agents_have_nothing_in_common() -> None:
    other = Outage(Clock(), b"l" * 32)
    assert other.proof(Transient("alice"), Transient("correct")) != made()[2]
