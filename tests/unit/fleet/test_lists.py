"""The operator's hand on the lists: one more with each signature, and a gate that hands on what it can't make."""

from pathlib import Path

import pytest

from tests.contract.gate_cast import found
from tyst.cli import main
from tyst.core.lists import opened
from tyst.fleet import lists, lists_command
from tyst.gate.shelf import BUNDLE, ListShelf
from tyst.messages.lists import ListsOf


@pytest.fixture
def state(tmp_path: Path) -> Path:
    found(tmp_path / "tyst")
    return tmp_path / "tyst"


def file(state: Path, text: str) -> Path:
    path = state.parent / "list"
    path.write_text(text)
    return path


def test_each_bundle_is_newer_than_the_last_and_signed_for_the_nodes(state: Path) -> None:
    ads = {"ads": [file(state, "0.0.0.0 ads.test\n||adblock^\n")]}
    assert lists.current(state) is None
    first, second = lists.publish(state, ads), lists.publish(state, ads)
    assert (first.lists.version, second.lists.version, second.passed) == (1, 2, {"ads": 1})
    assert opened((state / BUNDLE).read_bytes(), lists.public_key(state)) == second.lists == lists.current(state)
    assert (state / BUNDLE).stat().st_mode & 0o077 == 0 == (state / "lists.key").stat().st_mode & 0o077


def test_a_damaged_bundle_or_a_missing_key_is_said_and_overwrites_nothing(state: Path) -> None:
    ads = {"ads": [file(state, "ads.test")]}
    lists.publish(state, ads)
    whole = (state / BUNDLE).read_bytes()
    (state / BUNDLE).write_bytes(whole[:-1])
    with pytest.raises(lists.PublishError, match=BUNDLE):
        lists.publish(state, ads)
    (state / BUNDLE).write_bytes(whole)
    (state / "lists.key").unlink()
    with pytest.raises(lists.PublishError, match=r"lists\.key"):
        lists.publish(state, ads)
    assert (state / BUNDLE).read_bytes() == whole


def test_the_command_tells_what_it_took(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(file(state, "bad.test\nnot a name\n"))
    assert main(["fleet", "lists", "publish", "--malware", path, "--streaming", path, "--state", str(state)]) == 0
    assert "Version 1: 1 malware, 0 ads, 0 trackers, 0 adult, 0 gambling, 1 streaming" in capsys.readouterr().out
    assert main(["fleet", "lists", "show", "--state", str(state)]) == 0
    assert main(["fleet", "lists", "publish", "--state", str(state)]) == 1, "nothing given is no way to empty all lists"
    assert "at least one list" in capsys.readouterr().err


def test_the_gate_hands_on_the_bundle_in_pieces_and_sees_a_new_one(state: Path) -> None:
    shelf = ListShelf(state / BUNDLE)
    assert shelf.version == b"" and shelf.piece(ListsOf(b"x" * 16)).whole == 0
    lists.publish(state, {"ads": [file(state, "\n".join(f"{number:060d}.test" for number in range(20_000)))]})
    bundle, version = (state / BUNDLE).read_bytes(), shelf.version
    first, second = (shelf.piece(ListsOf(version, start)) for start in (0, 1 << 20))
    assert first.data + second.data == bundle and first.whole == second.whole == len(bundle)
    lists.publish(state, {"ads": [file(state, "ads.test")]})
    assert shelf.version != version and shelf.piece(ListsOf(version)).whole == 0
    assert lists_command.shown(opened((state / BUNDLE).read_bytes(), lists.public_key(state))).startswith("Version 2:")
