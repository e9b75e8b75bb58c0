"""All leases in one question, and every answer with the holder whose lease it is."""

import pytest

from tyst.messages.admission import Ended, Held, Renew, Renewed, Why
from tyst.node import renewals
from tyst.node.renewals import Renewals


class Holder:
    def __init__(self, *leases: bytes) -> None:
        self.leases = list(leases)
        self.ended: list[tuple[bytes, Why]] = []

    def held(self) -> list[Held]:
        return [Held(lease, False) for lease in self.leases]

    async def end(self, lease: bytes, why: Why) -> None:
        self.ended.append((lease, why))

    def replace(self, old: bytes, new: bytes) -> None:
        self.leases[self.leases.index(old)] = new


class Gate:
    def __init__(self, *answers: Renewed | None) -> None:
        self.answers, self.asked = list(answers), list[Renew]()

    async def renew(self, question: Renew) -> Renewed | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else Renewed()


async def nothing() -> None: ...


async def test_each_holder_hears_of_its_own_leases_only() -> None:
    wireguard, openvpn = Holder(b"w0", b"w1"), Holder(b"o0")
    gate = Gate(Renewed([Ended(1, Why.GONE), Ended(2, Why.SLOTS), Ended(99, Why.GONE)], [(0, b"fresh"), (-1, b"x")]))
    assert await Renewals(gate, [wireguard, openvpn], nothing).round()
    assert [held.lease for held in gate.asked[0].held] == [b"w0", b"w1", b"o0"]
    assert wireguard.ended == [(b"w1", Why.GONE)] and openvpn.ended == [(b"o0", Why.SLOTS)]
    assert wireguard.leases == [b"fresh", b"w1"]


async def test_while_the_gate_is_away_nothing_happens_to_anybody() -> None:
    holder = Holder(b"w0")
    assert not await Renewals(Gate(None), [holder], nothing).round()
    assert holder.ended == [] and holder.leases == [b"w0"]


async def test_an_empty_node_is_heard_of_too_so_that_it_can_give_leases_back() -> None:
    gate = Gate()
    assert await Renewals(gate, [Holder()], nothing).round() and gate.asked == [Renew([])]


async def test_many_leases_go_in_several_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewals, "_PER_REQUEST", 2)
    gate, holder = Gate(Renewed(), Renewed([Ended(0, Why.GONE)])), Holder(b"0", b"1", b"2")
    assert await Renewals(gate, [holder], nothing).round()
    assert [len(question.held) for question in gate.asked] == [2, 1] and holder.ended == [(b"2", Why.GONE)]


async def test_what_the_node_sent_goes_along_in_every_question_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewals, "_PER_REQUEST", 2)
    gate, asked = Gate(), list[int]()

    def traffic(tunnels: int) -> int:
        asked.append(tunnels)
        return 7

    assert await Renewals(gate, [Holder(b"0", b"1", b"2")], nothing, lambda _: 1, traffic).round()
    assert asked == [3] and [(one.load, one.traffic) for one in gate.asked] == [(1, 7), (1, 7)]
