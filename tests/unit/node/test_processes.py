"""A child of the agent that is put down, perhaps just as it ends by itself."""

import asyncio
import subprocess

import pytest

from tyst.node.drivers.process import end_now


def _reaps(*_: object) -> None:
    raise AssertionError("this looks whether the child has ended, and takes its exit code from the loop")


async def test_a_child_is_put_down_without_taking_its_exit_code_from_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    child = await asyncio.create_subprocess_exec("sleep", "60")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "send_signal", _reaps)
        with pytest.raises(AssertionError, match="takes its exit code"):
            child.kill()
        end_now(child)
    assert await asyncio.wait_for(child.wait(), 10) == -9


async def test_one_that_has_ended_is_left_alone() -> None:
    child = await asyncio.create_subprocess_exec("true")
    assert await asyncio.wait_for(child.wait(), 10) == 0
    end_now(child)
    assert child.returncode == 0
