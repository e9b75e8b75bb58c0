"""A program of somebody else's that lives and dies with the agent: silent, without a terminal, in its own group.
One kind, `LastingDaemon`, outlives the agent and dies with the agent's supervisor.

`setpriv` (util-linux) sets the parent-death signal before the program starts, so that even a killed agent leaves
nothing running; and the program starts only if its parent is the agent still, which may have died a moment before.
What the program says goes to /dev/null: it may contain addresses. Not a supervisor: whoever starts a daemon watches
`ended` and decides what its end means.
"""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Mapping, Sequence

_SETPRIV = ("setpriv", "--pdeathsig", "KILL")
_IF_PARENT_LIVES = ("sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')
"""A fixed text for sh(1); the agent's process id and the program with its arguments follow as arguments."""
_ORPHANED = (
    "sh",
    "-c",
    'exec 3<&0; { read -r _ <&3; exec setpriv --pdeathsig KILL -- sh -c \'[ "$PPID" = "$0" ] && exec "$@"\' "$@" '
    "</dev/null >/dev/null 2>&1 3<&-; } & echo $!",
    "tyst",
)
"""The same for a program that is to outlive the agent. It waits until its input is closed: this shell is gone then."""
TUNABLES = "glibc.malloc.tcache_count=0"
"""Caches of each thread keep freed blocks that MALLOC_PERTURB_ does not overwrite."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ProgramError(RuntimeError):
    """A program that is missing or failed. Names the program, never its arguments or output."""


class Daemon:
    """One running program."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        fds: Sequence[int] = (),
        setpriv: Sequence[str] = (),
    ) -> "Daemon":
        """Starts `argv`. `setpriv`: more options for setpriv(1). `fds` stay open in the program."""
        try:
            process = await asyncio.create_subprocess_exec(
                *_SETPRIV,
                *setpriv,
                "--",
                *_IF_PARENT_LIVES,
                str(os.getpid()),
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": PATH, "MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": TUNABLES, **(env or {})},
                pass_fds=tuple(fds),
                cwd="/",
                start_new_session=True,
            )
        except FileNotFoundError:
            raise ProgramError("setpriv is missing: install Debian's util-linux") from None
        return cls(argv[0], process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def ended(self) -> int:
        """Waits for the program's end, and gives its exit code."""
        return await self._process.wait()

    async def stop(self, patience: float = 3.0) -> None:
        """Asks it to end, and ends it when it has not within `patience` seconds. A second call does nothing."""
        if not self.running:
            return
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class LastingDaemon:
    """A program that goes on when the agent dies, for the next one to adopt; it is a child of the supervisor.

    A shell starts it and ends at once, so that the kernel gives it to the supervisor (PR_SET_CHILD_SUBREAPER,
    prctl(2)); only then does it ask to be killed with its parent, and starts if that is still there.
    """

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid
        self._handle = os.pidfd_open(pid)

    @classmethod
    async def start(cls, argv: Sequence[str], *, env: Mapping[str, str], keeper: int) -> "LastingDaemon":
        """Starts `argv` under the supervisor with this process id."""
        (waits, go), (heard, says) = os.pipe(), os.pipe()
        shell = await asyncio.create_subprocess_exec(
            *_ORPHANED,
            str(keeper),
            *argv,
            stdin=waits,
            stdout=says,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": PATH, "MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": TUNABLES, **env},
            cwd="/",
            start_new_session=True,
        )
        try:
            await asyncio.wait_for(shell.wait(), 5)
            return cls(argv[0], int(os.read(heard, 32)))
        except (TimeoutError, ValueError, ProcessLookupError):
            raise ProgramError(f"{argv[0]} could not be started") from None
        finally:  # its parent is the supervisor now: it may go on
            for handle in (waits, go, heard, says):
                os.close(handle)

    @property
    def running(self) -> bool:
        return not select.select([self._handle], [], [], 0)[0]

    async def ended(self) -> int:
        """Waits for the program's end. (Its exit code is the supervisor's to know.)"""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        handle = os.dup(self._handle)
        loop.add_reader(handle, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
        return 0

    async def stop(self, patience: float = 3.0) -> None:
        """As `Daemon.stop`."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended(), patience)
                return


def end_now(process: asyncio.subprocess.Process) -> None:
    """SIGKILL. Not `Process.kill`: that reaps a child which has just ended, under the hands of the loop that waits for
    it, and the loop then says so on standard error, with a made-up exit code."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def run(argv: Sequence[str], *, given: str = "", ok_to_fail: bool = False) -> str:
    """Runs a short command to its end, `given` on its standard input; what it printed. ProgramError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": PATH},
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(given.encode()), 20)
    except TimeoutError:
        end_now(process)
        raise ProgramError(f"{argv[0]} did not end within 20 s") from None
    if process.returncode and not ok_to_fail:
        raise ProgramError(f"{argv[0]} failed: is it installed, and does this process have the right to use it?")
    return said.decode(errors="replace")
