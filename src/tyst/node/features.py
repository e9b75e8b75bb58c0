"""Which features share in this node's ruleset, in the order in which they speak (see `core.firewall.part`)."""

from tyst.core.firewall import Part
from tyst.core.firewall.abuse import Abuse
from tyst.core.firewall.names import Names
from tyst.core.firewall.ports import ForwardedPorts
from tyst.core.firewall.public import PublicAddresses
from tyst.core.firewall.reach import Reach
from tyst.core.firewall.rekey import Rekey
from tyst.core.firewall.relay import Relay
from tyst.node.network import Fleet


def parts_of(fleet: Fleet) -> tuple[Part, ...]:
    """All features' rules, as the fleet is now."""
    addresses = fleet.addresses
    return (
        Reach(),
        Abuse(fleet.blocks),
        Rekey(),
        Names(),
        Relay(fleet.exits),
        ForwardedPorts(addresses.exit4),
        PublicAddresses(addresses.public4),
    )
