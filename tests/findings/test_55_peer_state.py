"""Row 55: WireGuard remembers a peer that is idle: its endpoint (the customer's address), its last handshake, its bytes.

Here a peer that has been idle for 180 s is not reset but gone, with everything that was ever said of it.
"""

import base64

import pytest

from tests.findings.world import NODE, OTHER, World
from tyst.lab.wireguard import wg_show

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("name", [NODE, OTHER])
def test_wg_show_knows_her_while_she_is_there_and_185_seconds_later_does_not(world: World, name: str) -> None:
    during = {mark for place, mark in world.visitor.during[name] if place == "wg show all dump"}
    shown = {"phone.key", "phone.address4", f"phone.agreed.{name}"}
    assert during == shown, "as WireGuard is, it shows keys and endpoint"
    world.visitor.gone()
    dump = wg_show(world.lab[name], "dump", "all")
    keys = (world.visitor.key.public, world.visitor.preshared, *world.visitor.agreed.values())
    for text in (*(base64.b64encode(key).decode() for key in keys), world.visitor.text("address4")):
        assert text not in dump
    assert str(world.visitor.four) not in dump
