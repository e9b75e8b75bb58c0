"""`./tyst fleet block`: what it takes, what it refuses before asking anybody, what it prints."""

import argparse

import pytest

from tyst.fleet import command
from tyst.fleet.block_command import listing
from tyst.messages.network import Block


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["block", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("--to", "192.0.2.1/24"),
        ("--to", "192.0.2.1", "--port", "443"),
        ("--to", "::1", "--port", "0/tcp"),
        ("--to", "192.0.2.1", "--minutes", "61"),
    ],
)
def test_a_slip_of_the_hand_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)
    assert "usage" in capsys.readouterr().err


def test_half_the_internet_is_not_blocked_without_a_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parsed("--to", "128.0.0.0/1")) == 1
    assert "needs a --port" in capsys.readouterr().err


def test_the_list_says_what_and_how_long() -> None:
    lines = listing([Block("192.0.2.0/24", "tcp", 443, 61), Block("2001:db8::1/128", seconds=60)])
    assert [line.split() for line in lines] == [
        ["192.0.2.0/24", "443/tcp", "2", "min", "left"],
        ["2001:db8::1/128", "every", "port", "1", "min", "left"],
    ]
    assert listing([]) == ["Nothing is blocked."]
