"""A real gate keeps what nodes tell of traffic in RAM, and writes at the daily batch and at no other time."""

from tests.contract.gate_cast import Node, Provider, Visitor
from tyst.gate.identity import Role
from tyst.messages.admission import Renew, Renewed
from tyst.messages.devices import BatchDone, RunBatch
from tyst.messages.fleet import Refusal
from tyst.records import statistics


async def test_use_writes_no_file_and_the_batch_writes_one_whoever_used_what(provider: Provider, sto: Node) -> None:
    folder = provider.state / statistics.FOLDER
    before = {path.name for path in folder.glob("*")}
    operator: Visitor = provider.visitor(Role.OPERATOR)
    for traffic in (None, 0, 120):
        (await sto.post("renew", Renew([], load=3, traffic=traffic))).as_(Renewed)
    assert {path.name for path in folder.glob("*")} == before
    (await operator.post("batch", RunBatch())).as_(BatchDone)
    await operator.close()
    (month,) = statistics.months(provider.state)
    assert (folder / f"{month}.json").stat().st_mode & 0o077 == 0
    assert set(statistics.of_month(provider.state, month)) <= {"stockholm", "se-sto"}
    for wrong in (-1, 1_000_001):
        reply = await sto.post("renew", Renew([], traffic=wrong))
        assert reply.status == 400 and isinstance(reply.refusal, Refusal)
