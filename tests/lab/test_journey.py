"""A person's journey with stock clients, walked once; each step is a test of its own."""

from functools import cache

import pytest

from tyst.journey.report import Report
from tyst.proof.journey_command import walk

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

STEPS = (
    "1 sign up, voucher, 21 fields",
    "2 the browser makes the key",
    "3 wg-quick: address, DNS, no leak, devices 1",
    "4 a key is unknown before: a thousand cold connects",
    "5 openvpn: by password, by VPN credential, devices 2",
    "9 a marked visit comes and leaves",
    "6 four devices, the fifth refused, a quiet slot yields",
    "4 a peer is gone within 185 s",
    "9 nothing of the visit stayed",
    "7 a node is killed: devices right within 90 s",
    "7 the gate is killed: tunnels never notice",
    "8 expiry, re-key, deletion end tunnels within 30 s",
    "9 connect, use, disconnect write 0 bytes",
    "9 one planted byte is caught on each host",
    "9 nothing stayed after all of it",
)
FIGURES = (
    "cold_connect_ms_median",
    "cold_connect_ms_max",
    "bytes_written",
    "marks_planted",
    "marks_found",
    "control_found",
)


@cache
def journey() -> Report:
    return walk(Report(tell=lambda line: print(line, flush=True)))


@pytest.mark.parametrize("name", STEPS)
def test_each_step_of_the_journey_passes(name: str) -> None:
    found = [step for step in journey().steps if step.name == name]
    assert found, "the journey has no such step"
    assert found[0].passed, found[0].detail


def test_the_journey_has_no_step_that_nobody_judges() -> None:
    assert tuple(step.name for step in journey().steps) == STEPS


def test_the_figures_are_there_and_nothing_was_written_or_found() -> None:
    figures = journey().figures
    assert set(FIGURES) <= set(figures)
    assert figures["bytes_written"] == 0 and figures["marks_found"] == 0
    assert 0 < figures["control_planted"] == figures["control_found"]
