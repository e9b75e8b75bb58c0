"""The wallets are declared: by the name they have, for as long as they are kept, with what destroys them."""

from pydoc import locate

from tyst.payments.monero import wallets
from tyst.records.inventory import File, inventory


def declared() -> File:
    (found,) = [one for one in inventory().files if "monero" in one.eraser]
    return found


def test_the_declared_name_is_the_files_name() -> None:
    name = declared().name
    assert name.replace("YYYYMM", "202611") == wallets._name(202611)


def test_the_declared_life_is_the_one_that_is_kept() -> None:
    assert declared().lifetime == f"{wallets.KEPT.days} days after its month"


def test_the_declared_eraser_exists() -> None:
    assert callable(locate(f"tyst.{declared().eraser}"))
