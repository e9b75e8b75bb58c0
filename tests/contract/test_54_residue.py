"""Row 54, the short form of `./tyst proof residue`: real site, gate and jobs, marked visitors, sixty of them at one
moment; and the same provider with every leaky change at its doors."""

from tyst.proof import residue_check
from tyst.proof.check import How
from tyst.proof.residue.leaks import LEAKS


def test_of_visitors_nothing_stays_and_every_leaky_change_is_caught() -> None:
    verdict = residue_check.run(How())
    assert verdict.found == ()
    assert [fault.what for fault in verdict.faults if not fault.caught] == []
    leaks = [fault for fault in verdict.faults if fault.what.startswith("leak: ")]
    assert len(leaks) == len(LEAKS) >= 20
    figures = verdict.figures
    assert figures["encodings_each"] >= 25, "each value in at least so many forms"
    assert figures["forms_found"] == figures["forms_planted"] > 1000, "recall"
    assert figures["of_these_found_in_memory"] == figures["on_the_line"] == residue_check.SHORT
