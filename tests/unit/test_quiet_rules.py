"""The rules of tools/quiet_rules.py hold for every module, and each bites."""

from pathlib import Path

import pytest
from tools.quiet_rules import ROOT, modules, offences

ROOMS = sorted({path.relative_to(ROOT).parts[0] for path in modules()})


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_of_a_room_could_say_a_value(room: str) -> None:
    read = list(modules([room]))
    assert read
    assert [one for path in read for one in offences(path.read_text(), str(path.relative_to(ROOT)))] == []


def test_every_room_that_serves_is_read() -> None:
    lab = {"lab", "proof", "journey", "__pycache__"}
    assert set(ROOMS) == {path.name for path in ROOT.iterdir() if path.is_dir()} - lab


@pytest.mark.parametrize(
    ("path", "planted"),
    [
        ("gate/door.py", "import logging"),
        ("gate/door.py", "import logging.handlers as quite_harmless"),
        ("site/pages/join.py", "from logging import getLogger"),
        ("site/pages/join.py", "from django.utils.log import log_response"),
        ("site/pages/join.py", "import warnings"),
        ("node/tunnels.py", "import traceback"),
        ("node/tunnels.py", "from syslog import syslog"),
        ("mail/outbox.py", "import faulthandler"),
        ("site/pages/join.py", "from prometheus_client import Counter"),
        ("site/pages/join.py", "print(request.path)"),
        ("node/tunnels.py", "say = partial(print, flush=True)"),
        ("payments/settling.py", "breakpoint()"),
        ("gate/door.py", "sys.stderr.write(name)"),
        ("gate/door.py", "out = sys.__stdout__"),
        ("records/keys.py", "show(file=sys.stdout)"),
        ("gate/door.py", "raise Refused(f'no such node: {name}')"),
        ("gate/door.py", "raise Refused('no such node: %s' % name)"),
        ("gate/door.py", "raise Refused('no such node: ' + name)"),
        ("gate/door.py", "raise Refused('no such node: {}'.format(name))"),
        ("site/pages/join.py", "raise ValueError(str(name))"),
        ("site/pages/join.py", "raise ValueError('no', repr(name))"),
        ("messages/codec.py", "raise MessageError(what=', '.join(names))"),
        ("node/tunnels.py", "raise KeyError(key.hex())"),
        ("site/pages/join.py", "try: f()\nexcept ValueError as error:\n    answer = f'{error}'"),
        ("site/pages/join.py", "try: f()\nexcept ValueError as error:\n    answer = str(error)"),
        ("gate/door.py", "try: f()\nexcept ValueError as error:\n    answer = error.args[0]"),
        ("gate/door.py", "try: f()\nexcept ValueError as error:\n    kept = error.__traceback__"),
        ("gate/door.py", "try: f()\nexcept ValueError as error:\n    error.add_note(name)"),
        ("gate/loads.py", "mine = Metric('tyst_gate_logins', kind, about, rooms, 'logins')"),
        ("gate/loads.py", "mine = metric.Metric('tyst_gate_logins', kind, about, rooms, 'logins')"),
    ],
)
def test_a_planted_line_is_found(path: str, planted: str) -> None:
    assert offences(planted, path), planted


@pytest.mark.parametrize(
    ("path", "fine"),
    [
        ("site/command.py", "print('tyst serve: say where to listen')"),
        ("quiet/fence.py", "import logging\nsys.stderr.flush()"),
        ("node/supervisor.py", "sys.stdout.flush()"),
        ("gate/door.py", "raise Refused(No.FORM) from None"),
        ("gate/door.py", "try: f()\nexcept ValueError as error:\n    fence.fault(error)"),
        ("core/metric.py", "mine = Metric('tyst_gate_tunnels', kind, about, rooms, 'tunnels')"),
        ("gate/wiring.py", "raise StateError(f'{name} is missing')"),
    ],
)
def test_what_is_allowed_is_not_found(path: str, fine: str) -> None:
    assert offences(fine, path) == []


def test_the_check_runs_the_linter_of_figures_too() -> None:
    assert "quiet_rules.py" in Path("tools/check.sh").read_text()
