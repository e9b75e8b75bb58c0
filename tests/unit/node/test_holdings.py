"""The agent's memory of the firewall's elements: timed ones, and those that belong to a tunnel."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from tyst.core.firewall import Element
from tyst.core.firewall.collections import OPEN4, PORTS4
from tyst.node.doors import Passage
from tyst.node.drivers.holdings import Holdings, wanted4

ALICE, BOB, EXIT = IPv4Address("10.16.0.9"), IPv4Address("10.16.0.10"), IPv4Address("192.0.2.20")
KEY = PORTS4.pack_key(6, EXIT, 12345)


class Scene:
    def __init__(self) -> None:
        self.now = 1000.5
        self.held = Holdings(lambda: self.now)

    def put(self, owner: IPv4Address, seconds: float, key: bytes = KEY) -> None:
        self.held.put(PORTS4, Element(key, PORTS4.pack_value(owner, 4000), seconds), owner)


def test_an_element_ends_at_its_time_and_is_renewed_until_then() -> None:
    scene = Scene()
    scene.put(ALICE, 10.0)
    scene.now += 9.9
    scene.put(ALICE, 10.0)
    scene.now += 9.9
    assert scene.held.value(PORTS4, KEY) == PORTS4.pack_value(ALICE, 4000)
    assert scene.held.owned(ALICE, PORTS4) == {KEY: PORTS4.pack_value(ALICE, 4000)}
    scene.now += 0.2
    assert scene.held.value(PORTS4, KEY) is None and scene.held.owned(ALICE, PORTS4) == {}


def test_what_ended_and_became_bobs_stays_his_when_alice_leaves() -> None:
    scene = Scene()
    scene.held.become(ALICE, wanted4(ALICE, Passage()))
    scene.put(ALICE, 10.0)
    scene.now += 11.0
    scene.put(BOB, 10.0)
    left = scene.held.leave([ALICE])
    assert [change.name for change in left] == [OPEN4.name]
    assert scene.held.value(PORTS4, KEY) == PORTS4.pack_value(BOB, 4000)


def test_what_is_alices_goes_with_her() -> None:
    scene = Scene()
    scene.put(ALICE, 10.0)
    (change,) = scene.held.leave([ALICE])
    assert (change.name, change.coming, [one.key for one in change.elements]) == (PORTS4.name, False, [KEY])
    assert scene.held.leave([ALICE]) == [] and scene.held.of(PORTS4) == {}


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "leave", "wait"]), st.integers(1, 5), st.integers(0, 2))))
def test_it_remembers_what_a_simple_model_remembers(steps: list[tuple[str, int, int]]) -> None:
    scene, model = Scene(), dict[bytes, tuple[float, IPv4Address]]()
    people = (ALICE, BOB, IPv4Address("10.16.0.11"))
    for step, number, who in steps:
        key = PORTS4.pack_key(6, EXIT, number)
        if step == "put":
            scene.put(people[who], float(number), key)
            model[key] = (scene.now + number, people[who])
        elif step == "take":
            scene.held.take(PORTS4, key)
            model.pop(key, None)
        elif step == "leave":
            scene.held.leave([people[who]])
            model = {key: one for key, one in model.items() if one[1] != people[who]}
        else:
            scene.now += number / 2
        model = {key: one for key, one in model.items() if one[0] > scene.now}
        assert {key: value[:4] for key, value in scene.held.of(PORTS4).items()} == {
            key: owner.packed for key, (_, owner) in model.items()
        }
        for person in people:
            assert set(scene.held.owned(person, PORTS4)) == {key for key, one in model.items() if one[1] == person}
