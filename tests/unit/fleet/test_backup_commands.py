"""The operator's two commands, on a provider that was really founded: what they do, and each sentence when they can't."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.gate_cast import found
from tests.postgres import sql
from tyst.cli import main
from tyst.core import archive
from tyst.records import doors, undone
from tyst.records.where import SQLITE

ROOT = Path(__file__).parents[3]
_ALICE = (
    "INSERT INTO account (handle, username, password, created_at, updated_at, newsletter, has_authenticated, "
    "has_connected, has_ipv6, compression, streaming, language, currency, country) VALUES (?, ?, '$argon2id$x', "
    "'2026-03-01 12:00:00', '2026-03-01 12:00:00', 0, 0, 1, 1, 0, 0, 'sv', 'SEK', 'se')"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded provider, once."""
    state = tmp_path_factory.mktemp("founded") / "state"
    found(state)
    return state


@pytest.fixture
def state(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, with Alice and Bob."""
    shutil.copytree(made, tmp_path / "state")
    for name in ("alice", "bob"):
        sql(tmp_path / "state" / SQLITE, _ALICE, name.encode().ljust(16, b"."), name)
    yield tmp_path / "state"
    undone.leave()


def _names(state: Path) -> set[str]:
    return {name for (name,) in sql(state / SQLITE, "SELECT username FROM account")}


def _backup(state: Path, *more: str) -> Path:
    path = state.parent / "one.backup"
    assert main(["backup", "--state", str(state), "--to", str(path), *more]) == 0
    return path


def _refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["restore", "--no-sweep", *words]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and said.err.startswith("tyst restore: ")
    return said.err


def test_alice_is_deleted_and_the_backup_is_put_back_by_command_in_a_process_of_its_own(state: Path) -> None:
    path = _backup(state)
    sql(state / SQLITE, "DELETE FROM account")
    journal = undone.of_state(state)
    journal.erased(b"alice".ljust(16, b"."), journal.name("alice"), datetime.now(UTC).date())
    words = [sys.executable, "-m", "tyst", "restore", "--state", str(state), "--from", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment, cwd=state.parent)
    assert done.returncode == 0, done.stderr
    assert "1 erased" in done.stdout and "Processors asked" in done.stdout
    assert _names(state) == {"bob"}
    assert sql(state / SQLITE, "SELECT sum(has_connected) FROM account") == [(0,)]


def test_each_refusal_is_one_sentence_and_changes_nothing(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _backup(state)
    whole, before = path.read_bytes(), (state / SQLITE).read_bytes()
    here = ("--state", str(state), "--from", str(path))
    stranger = state.parent / "stranger.key"
    stranger.write_text(os.urandom(32).hex())
    assert archive.WRONG_KEY in _refusal(capsys, *here, "--key", str(stranger))
    words = state.parent / "words"
    words.write_text("correct horse battery staple\n")
    assert archive.NEEDS_KEY in _refusal(capsys, *here, "--passphrase-file", str(words))
    for content, sentence in (
        (whole[: len(whole) // 2], archive.CUT),
        (whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], archive.DAMAGED),
        (whole[:12] + b"\0\2" + whole[14:], archive.NEWER),
        (b"something else", archive.FOREIGN),
    ):
        path.write_bytes(content)
        assert sentence in _refusal(capsys, *here)
    path.write_bytes(whole)
    (state / "backup.keys").rename(state / "elsewhere")
    assert archive.NO_DAY_KEY in _refusal(capsys, *here)
    (state / "elsewhere").rename(state / "backup.keys")
    assert "there is no backup of that name" in _refusal(capsys, "--state", str(state), "--from", str(path) + "x")

    from tyst.fleet import restore_command

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=31)).timestamp(), UTC)

    monkeypatch.setattr(restore_command, "datetime", Later)
    assert archive.TOO_OLD in _refusal(capsys, *here)
    assert (state / SQLITE).read_bytes() == before and not (state / "restoring").exists()


def test_no_restore_while_a_door_is_open_and_no_door_while_a_restore_is_unfinished(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _backup(state)
    here = ("--state", str(state))
    doors.hold(state)
    assert "stop them first" in _refusal(capsys, *here, "--from", str(path))
    os.close(doors._HELD.pop())
    (state / "restoring").mkdir()
    for command in (["gate"], ["serve", "--http", "127.0.0.1:0"], ["jobs", "once", "journal"], ["fleet", "list"]):
        words = [sys.executable, "-m", "tyst", *command, "--state", str(state)]  # a room's fence is for a whole process
        said = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert said.returncode in (1, 2) and "--finish" in said.stderr, command
    assert "nothing was left to finish" in _refusal(capsys, *here, "--finish")
    assert not (state / "restoring").exists() and _names(state) == {"alice", "bob"}
    assert main(["fleet", "list", "--state", str(state)]) == 0


def test_a_passphrase_instead_of_a_key_and_records_alone(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = state.parent / "words"
    words.write_text("correct horse battery staple\n")
    path = _backup(state, "--passphrase-file", str(words), "--records-only")
    here = ["restore", "--no-sweep", "--state", str(state), "--from", str(path)]
    sql(state / SQLITE, "DELETE FROM account WHERE username = 'bob'")
    assert main([*here, "--passphrase-file", str(words)]) == 0
    assert _names(state) == {"alice", "bob"}
    words.write_text("short")
    capsys.readouterr()
    assert main([*here, "--passphrase-file", str(words)]) == 1
    assert "12 characters" in capsys.readouterr().err


def test_an_empty_folder_and_the_shelf_make_the_same_provider(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, shelf, key = _backup(state), state.parent / "shelf", state.parent / "recovery.key"
    assert main(["backup", "--state", str(state), "--shelf", str(shelf)]) == 0
    (state / "recovery.key").rename(key)
    secrets = {name: (state / name).read_bytes() for name in ("gate.key", "ca.crt", "lists.key", "undone.key")}
    shutil.rmtree(state)
    words = ("--state", str(state), "--from", str(path), "--key", str(key))
    assert archive.NO_DAY_KEY in _refusal(capsys, *words)
    assert main(["restore", "--no-sweep", *words, "--shelf", str(shelf)]) == 0
    assert _names(state) == {"alice", "bob"}
    assert {name: (state / name).read_bytes() for name in secrets} == secrets
    assert main(["fleet", "list", "--state", str(state)]) == 0


def test_without_words_the_commands_say_what_they_need(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--state", str(state)]) == 1 and "--to FILE" in capsys.readouterr().err
    assert main(["restore", "--state", str(state)]) == 1 and "--from FILE" in capsys.readouterr().err
    (state / "recovery.pub").unlink()
    assert main(["backup", "--state", str(state), "--to", str(state.parent / "x")]) == 1
    assert "--new-key" in capsys.readouterr().err and not (state.parent / "x").exists()
    key = state.parent / "new.key"
    assert main(["backup", "--state", str(state), "--new-key", str(key), "--to", str(state.parent / "x")]) == 0
    assert main(["backup", "--state", str(state), "--new-key", str(key)]) == 1, "a key is never overwritten"
    assert key.stat().st_mode & 0o077 == 0
