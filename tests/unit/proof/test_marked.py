"""Where a marked visitor may live in the lab."""

import pytest

from tyst.lab.topology import NETWORKS, PLACES
from tyst.proof import marked
from tyst.proof.marks import Places


def test_a_visitor_never_gets_an_address_that_somebody_or_the_router_has(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Places] = []
    real = marked.draw_seed

    def listening(people: tuple[str, ...], places: Places) -> object:
        asked.append(places)
        return real(people, places)

    monkeypatch.setattr(marked, "draw_seed", listening)
    marked.draw(("alice",))
    access = NETWORKS["access"]
    assert {str(access.address4(1)), str(access.address6(1)), str(PLACES["bob"].ipv4)} <= set(asked[0].taken)
