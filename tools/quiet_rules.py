"""What may not stand in the product's code, because it would say, show or keep a value of a request (decision 0053).

Rules over the syntax tree (decision 0007), for the rooms that run where customers are. Each names a place; there is no
marker in the code that would silence one. `tools/check.sh` runs it, and the linter of metric definitions with it;
`tests/unit/test_quiet_rules.py` shows for each rule a line on which it bites.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).parents[1] / "src" / "tyst"
ROOMS = ("core", "messages", "quiet", "records", "payments", "mail", "site", "gate", "node", "jobs", "fleet")
DOORS = ("messages", "site", "gate", "node")
"""Rooms to which strangers send something: their exceptions are fixed sentences."""
TALKERS = frozenset(("logging", "warnings", "traceback", "syslog", "faulthandler", "pdb", "cgitb", "sentry_sdk"))
AT_START = frozenset(("node/reach/relay.py", "node/drivers/process.py", "site/hosting.py"))
"""Their f-strings name a program of ours or a file of the operator's, before anybody is connected."""
LISTENS = "quiet"


def offences(source: str, path: str) -> list[str]:
    """What is wrong with a module, as sentences with line numbers. `path`: below src/tyst, as `gate/door.py`."""
    tree = ast.parse(source)
    return sorted(
        found for rule in (_talking, _printing, _raising, _answering, _defining) for found in rule(tree, path)
    )


def _talking(tree: ast.AST, path: str) -> Iterator[str]:
    """Only the fence imports what talks."""
    if _room(path) == LISTENS:
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.split(".")[0] in TALKERS or name in ("django.utils.log", "django.contrib.messages"):
                yield f"{path}:{node.lineno}: {name} is the fence's (quiet/)"
            if name.split(".")[0] == "prometheus_client":
                yield f"{path}:{node.lineno}: figures are core/metric.py's; prometheus_client registers its own"


def _printing(tree: ast.AST, path: str) -> Iterator[str]:
    """Words at a terminal are for commands; a room that serves has its voice. Nobody hands print or a stream on."""
    if path.endswith("command.py") or path in ("cli.py", "fleet/answer_pdf.py"):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ("print", "pprint", "breakpoint"):
            yield f"{path}:{node.lineno}: {node.id} outside a command"
        if _room(path) != LISTENS and _stream(node) and not _flushed(tree, node):
            yield f"{path}:{node.lineno}: one of sys's streams outside a command"


def _stream(node: ast.AST) -> TypeGuard[ast.Attribute]:
    named = isinstance(node, ast.Attribute) and node.attr.strip("_") in ("stdout", "stderr")
    return named and _called_on(node) == "sys"


def _flushed(tree: ast.AST, stream: ast.Attribute) -> bool:
    """`sys.stdout.flush()` says nothing."""
    return any(isinstance(one, ast.Attribute) and one.value is stream and one.attr == "flush" for one in ast.walk(tree))


def _raising(tree: ast.AST, path: str) -> Iterator[str]:
    """At a door an exception's text is fixed: no f-string, no %, no format, no join, no str() or repr() of anything."""
    if _room(path) not in DOORS or path in AT_START or path.endswith(("command.py", "wiring.py")):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _made(node.exc):
            yield f"{path}:{node.lineno}: an exception at a door with a text that is made, not fixed"


def _made(call: ast.Call) -> bool:
    for argument in (*call.args, *(one.value for one in call.keywords)):
        for node in ast.walk(argument):
            if isinstance(node, ast.FormattedValue) or (isinstance(node, ast.BinOp) and _is_text(node.left)):
                return True
            if isinstance(node, ast.Call) and _called(node) in ("str", "repr", "format", "join", "ascii", "hex"):
                return True
    return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _answering(tree: ast.AST, path: str) -> Iterator[str]:
    """At a door nothing is made of a caught exception's text, and no traceback is looked at."""
    if _room(path) not in DOORS or path in AT_START or path.endswith(("command.py", "wiring.py")):
        return
    for handler in (one for one in ast.walk(tree) if isinstance(one, ast.ExceptHandler) and one.name):
        for node in ast.walk(handler):
            if _looked_into(node) and _names(node, handler.name):
                yield f"{path}:{node.lineno}: what is in a caught exception"


def _looked_into(node: ast.AST) -> TypeGuard[ast.expr]:
    if isinstance(node, ast.Attribute):
        return node.attr in ("args", "__traceback__", "__notes__", "add_note")
    return isinstance(node, ast.FormattedValue) or (isinstance(node, ast.Call) and _called(node) in ("str", "repr"))


def _defining(tree: ast.AST, path: str) -> Iterator[str]:
    """Figures are defined in one module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and path != "core/metric.py" and _called(node) == "Metric":
            yield f"{path}:{node.lineno}: a figure that is not defined in core/metric.py"


def _room(path: str) -> str:
    return path.split("/", maxsplit=1)[0]


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _called_on(node: ast.AST) -> str:
    """`sys` in sys.stderr."""
    return node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""


def _names(node: ast.AST, name: str | None) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def modules(rooms: Iterable[str] = ROOMS) -> Iterator[Path]:
    """The product's modules, without Django's generated ones."""
    for room in rooms:
        yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


def main() -> int:
    """Prints what is wrong; 1 when something is."""
    from tyst.core import metric

    found = metric.faults(metric.METRICS)
    for path in modules():
        found += offences(path.read_text("utf-8"), str(path.relative_to(ROOT)))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
