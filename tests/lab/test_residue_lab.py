"""The lab's part of `./tyst proof residue --whole`: found while the tunnels are open, not 185 s later, nor restarted."""

import pytest

from tyst.proof.check import How
from tyst.proof.residue import lab
from tyst.proof.residue.leaks import AT_THE_NODE

pytestmark = [pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(1200)]


def test_a_marked_customer_is_found_while_her_tunnels_are_open_and_never_after() -> None:
    verdict = lab.run(How(whole=True))
    assert verdict.found == ()
    assert [fault.what for fault in verdict.faults if not fault.caught] == []
    assert len(verdict.faults) == sum(map(len, lab.MUST.values())) + 2 + len(AT_THE_NODE)
