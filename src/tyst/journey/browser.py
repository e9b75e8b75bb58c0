"""Speaks to a person's browser from outside her machine. Counterpart: `browser_server.py`, which runs on it."""

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

from tyst.lab.host import Host


class BrowserError(RuntimeError):
    """The page did not do what was asked; says which verb and selector."""


class Browser:
    """One browser window on one host; its cookies live as long as it does."""

    def __init__(self, host: Host, base: str, *pins: str, user_agent: str = "") -> None:
        self._process = host.popen(
            [sys.executable, "-m", "tyst.journey.browser_server", base, user_agent, *pins],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._answer("start")

    def __getattr__(self, verb: str) -> Any:
        def ask(*words: object) -> Any:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps([verb, *words]) + "\n")
            self._process.stdin.flush()
            return self._answer(verb)

        return ask

    def _answer(self, verb: str) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BrowserError(f"the browser ended while it was asked to {verb}")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """Closes the window and forgets its cookies."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
