"""The leaky changes: twenty at least, told apart by where they show, and none of them ever near an honest process."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tyst.proof.residue.leaks import AT_POSTGRESQL, AT_THE_NODE, FOLDER, LEAKS, leaky
from tyst.proof.residue.town import ALLOWED, OF_A_BROWSER


def test_there_are_twenty_and_no_two_show_at_one_place_by_one_mark() -> None:
    assert len(LEAKS) >= 20
    assert len({(leak.place, leak.mark) for leak in LEAKS}) == len(LEAKS) == len({leak.name for leak in LEAKS})


def test_none_shows_as_something_that_may_be_there() -> None:
    assert not {(leak.place, leak.mark) for leak in LEAKS} & (ALLOWED | {OF_A_BROWSER})


def test_each_is_made_by_a_function_of_its_name() -> None:
    spec = importlib.util.spec_from_file_location("leaky_changes", FOLDER / "sitecustomize.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = {leak.__name__ for leak in (*module.AT_THE_SITE, *module.AT_THE_GATE)} | {"address_cookie"}
    assert made | {*module.AT_THE_NODE} == {leak.name for leak in (*LEAKS, *AT_POSTGRESQL, *AT_THE_NODE)}
    assert not [finder for finder in sys.meta_path if type(finder).__name__ == "After"], "none was asked for"


def test_only_processes_that_start_meanwhile_have_them(tmp_path: Path) -> None:
    before = dict(os.environ)
    look = [
        sys.executable,
        "-B",
        "-c",
        "import sys; print(any(type(one).__name__ == 'After' for one in sys.meta_path))",
    ]
    with leaky(tmp_path, tmp_path, ["access_log"]):
        assert subprocess.run(look, capture_output=True, check=True).stdout == b"True\n"
    with leaky(tmp_path, tmp_path):
        assert subprocess.run(look, capture_output=True, check=True).stdout == b"False\n"
    assert dict(os.environ) == before


def test_no_file_of_the_product_knows_of_them() -> None:
    source = Path(__file__).parents[3] / "src/tyst"
    knowing = [path for path in source.rglob("*.py") if b"TYST_LEAK" in path.read_bytes()]
    assert {path.relative_to(source).parts[:2] for path in knowing} == {("proof", "residue")}
