"""A thousand on the line at the same moment: each is found while she is there, none afterwards. By night."""

import pytest

from tyst.proof import residue_check
from tyst.proof.check import How

pytestmark = [pytest.mark.night, pytest.mark.timeout(900)]


def test_of_a_thousand_at_once_nothing_is_left_after_185_seconds() -> None:
    stage = residue_check.Stage(How(whole=True), residue_check.WHOLE)
    assert stage.run() == []
    assert [fault.what for fault in stage.faults if not fault.caught] == []
    assert stage.figures["of_these_found_in_memory"] == 1000
