"""The shorter of the settlement's cases, in this process, so that they can judge mutants: every story of two tellings
with a crash before and after each statement, and those of three without. (`tests/contract/settlement` plays all.)"""

from pathlib import Path

from tests.contract.settlement.cases import Case, stories
from tests.contract.settlement.play import Stage
from tests.unit.django_once import emptied


def test_short_stories_settle_exactly_once(tmp_path: Path) -> None:
    emptied()
    stage = Stage(tmp_path)
    cases = [Case(story) for story in stories(3)]
    for story in stories(2):
        crashes = [(number, after) for number in range(stage.statements(story)) for after in (False, True)]
        cases += [Case(story, crash, late) for crash in crashes for late in (False, True)]
    assert stage.play(cases) == []
