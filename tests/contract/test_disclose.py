"""A court's order from the commands' side, each in a process of its own as an operator runs it, over PostgreSQL."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.gate_cast import ROOT, found
from tests.postgres import fresh, sql
from tests.unit.records.people import PHC
from tyst.cli import main
from tyst.core.account import FIELDS
from tyst.records import transparency
from tyst.records.where import Server

ORDER = ["--reference", "B 4711-26", "--authority", "Stockholms tingsrätt", "--by", "se"]


def answered(*words: object, given: str) -> str:
    """Runs `./tyst disclose answer` in a process of its own and returns what it said; on the side it says nothing."""
    environment = {**os.environ, "TYST_PYTHON": sys.executable}
    command = [str(ROOT / "tyst"), "disclose", "answer", *map(str, words)]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def tyst(*words: object) -> int:
    """A command that needs no records."""
    return main(list(map(str, words)))


def sign_up(server: Server) -> None:
    sql(
        server,
        "INSERT INTO account (handle, username, password, email, created_at, updated_at, newsletter, has_authenticated, "
        "has_connected, has_ipv6, compression, streaming, language, currency, country) VALUES (?, 'Alice', ?, "
        "'alice@example.test', '2026-01-01 10:00:00', '2026-01-01 10:00:00', 0, 0, 0, 1, 0, 1, 'en', 'EUR', 'se')",
        *(bytes(16), PHC),
    )


def test_two_operators_answer_an_order_and_a_stranger_checks_the_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, state, out = fresh(), tmp_path / "state", tmp_path / "out"
    found(state, server.url)
    sign_up(server)
    out.mkdir()
    approvals: list[object] = []
    for name in ("doris", "emil"):
        capsys.readouterr()
        assert tyst("disclose", "key", "--to", tmp_path / name) == 0
        public = capsys.readouterr().out.strip()
        assert tyst("disclose", "operators", "--add", name, public, "--state", state) == 0
        own = ["--key", tmp_path / name, "--name", name, "--to", tmp_path / f"{name}.yes"]
        assert tyst("disclose", "approve", "--account", "alice", *ORDER, *own) == 0
        approvals += ["--approval", tmp_path / f"{name}.yes"]
    words = ["--account", "-", *ORDER, *approvals, "--to", out, "--state", state]
    assert "Answer: given" in answered(*words, given="alice\n")
    for name in ("answer.json", "answer.pdf"):
        assert tyst("transparency", "verify", out / name, "--keys", state / "transparency/keys.json") == 0
    (account,) = json.loads((out / "answer.json").read_bytes())["body"]["accounts"]
    assert set(account["fields"]) == set(FIELDS) - {"password", "devices"}
    assert account["fields"]["username"] == "Alice" and account["fields"]["created_at"] == "2026-01-01 10:00:00"
    assert PHC.encode() not in (out / "answer.json").read_bytes()
    assert transparency.current(state).given == 1


def test_a_strangers_check_loads_no_records_and_no_framework() -> None:
    code = "import sys, tyst.fleet.transparency_command; print([m for m in sys.modules if m in ('django', 'psycopg')])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60, env=environment) == "[]\n"
