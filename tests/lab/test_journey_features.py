"""Every feature with stock clients over both protocols, as `./tyst lab journey --all` shows it: each step is a test."""

from functools import cache

import pytest

from tyst.journey import features
from tyst.journey.report import Report
from tyst.proof.journey_command import walk

pytestmark = [pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(1800)]

STEPS = 38


@cache
def journey() -> Report:
    return walk(Report(tell=lambda line: print(line, flush=True)), features.steps)


@pytest.mark.parametrize("number", range(STEPS))
def test_each_feature_is_shown(number: int) -> None:
    step = journey().steps[number]
    assert step.passed, f"{step.name}: {step.detail}"


def test_no_step_is_left_out() -> None:
    assert len(journey().steps) == STEPS
