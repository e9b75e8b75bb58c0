"""`./tyst fleet database`: settings to hand out, a server to judge, a dump; and a foundation on PostgreSQL."""

import argparse
import time
from pathlib import Path

import pytest

from tests.postgres import cluster, fresh
from tyst.fleet import command
from tyst.fleet.founding import Plan, found
from tyst.records.errors import RecordsError
from tyst.records.postgresql.settings import WANTED
from tyst.records.where import SQLITE, Server, as_toml, chosen


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(list(words)))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "database.toml").write_text(as_toml(fresh()))
    return tmp_path


def test_the_settings_are_a_file_that_the_server_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("database", "settings") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(WANTED) and "log_statement = 'none'" in lines


def test_the_check_names_what_is_set_otherwise(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("database", "check", "--state", str(state)) == 1
    assert capsys.readouterr().out == "fsync is off and should be on\n"


def test_the_rewrite_and_the_migration_can_be_run_again(state: Path) -> None:
    for what in ("migrate", "shuffle", "migrate", "shuffle"):
        assert run("database", what, "--state", str(state)) == 0


def test_a_dump_goes_to_standard_output(state: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run("database", "dump", "--state", str(state)) == 0
    assert b"COPY account (handle, username," in capfdbinary.readouterr().out


def test_on_sqlite_there_is_nothing_to_look_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("database", "shuffle", "--state", str(tmp_path)) == 1
    assert "SQLite" in capsys.readouterr().err


def test_a_provider_is_founded_on_postgresql_once_the_server_answers(tmp_path: Path) -> None:
    absent = Server("postgresql://tyst:sesame@/tyst?host=/nowhere")
    with pytest.raises(RecordsError) as refusal:
        found(Plan(tmp_path, "https://tyst.test", ["gate.tyst.test"], absent.url), now=time.time())
    assert "sesame" not in str(refusal.value) and "nowhere" not in str(refusal.value)
    server = cluster().empty()
    found(Plan(tmp_path, "https://tyst.test", ["gate.tyst.test"], server.url), now=time.time())
    assert chosen(tmp_path) == server and (tmp_path / "gate.keys").exists() and not (tmp_path / SQLITE).exists()
