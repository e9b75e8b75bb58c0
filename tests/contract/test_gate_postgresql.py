"""The gate's real process over PostgreSQL: it does the same, and its reads leave no byte in the write-ahead log."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.contract.gate_cast import Node, Provider
from tests.postgres import cluster
from tyst.fleet import nodes
from tyst.gate.identity import Role
from tyst.messages.admission import Verdict
from tyst.messages.devices import BatchDone, RunBatch
from tyst.records import where
from tyst.records.postgresql import session, tidy


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    state = tmp_path_factory.mktemp("postgresql") / "state"
    one = Provider(state, database=cluster().empty().url)
    one.start()
    yield one
    one.stop()
    assert one.said() == b"" and not (state / where.SQLITE).exists()
    one.output.close()


@pytest.fixture
async def sto(provider: Provider) -> AsyncIterator[Node]:
    node = await provider.node("se-sto")
    yield node
    await node.close()


def wal() -> int:
    with cluster().admin() as connection:
        row = connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


def vacuum(provider: Provider) -> None:
    """What the site does after it wrote; the test's own hand doesn't."""
    server = where.chosen(provider.state)
    assert isinstance(server, where.Server)
    with session.connect(server) as connection:
        tidy.vacuum(connection, {"account", "key_record"})
    with cluster().admin() as admin:
        admin.execute("CHECKPOINT")


async def test_alice_connects_and_renews_and_the_database_wrote_no_byte(provider: Provider, sto: Node) -> None:
    alice, bob = provider.customer("alice"), provider.customer("Bob", until="2020-01-01 23:59:59")
    vacuum(provider)
    before = wal()
    leases = [(await sto.connect(alice.device)).lease for _ in range(3)]
    assert all(leases) and (await sto.admit(bob.device)).verdict is Verdict.GARDEN
    assert (await sto.login("ALICE", alice.password)).verdict is Verdict.OPEN
    for _ in range(3):
        assert (await sto.renew(*leases)).ended == []
    assert wal() == before


async def test_the_batch_sets_alices_flag_and_a_deleted_account_loses_its_tunnel(provider: Provider, sto: Node) -> None:
    dora = provider.customer("dora")
    lease = (await sto.connect(dora.device)).lease
    assert provider.sql("SELECT has_connected FROM account WHERE username = 'DORA'") == [(0,)]
    operator = provider.visitor(Role.OPERATOR)
    assert (await operator.post("batch", RunBatch())).as_(BatchDone).changed >= 1
    await operator.close()
    assert provider.sql("SELECT has_connected FROM account WHERE username = 'dora'") == [(1,)]
    provider.sql("DELETE FROM account WHERE username = 'dora'")
    assert len((await sto.renew(lease)).ended) == 1


def test_the_operators_commands_reach_the_same_records(provider: Provider, tmp_path: Path) -> None:
    provider.add_node("de-fra")
    assert any(line.startswith("de-fra") for line in nodes.listing(provider.state))
    assert (provider.state / where.FILE).stat().st_mode & 0o777 == 0o600
