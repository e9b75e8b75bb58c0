"""The node's times and caps, in one value, so that tests can shorten a day and operators be strict."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Settings:
    """Seconds, unless a name says otherwise."""

    provisional: float = 10.0
    """How long a newcomer has until her first authenticated packet."""
    idle: float = 180.0
    """After the last handshake its keys are dead (WireGuard, REJECT_AFTER_TIME): the peer goes."""
    quiet: float = 130.0
    """No handshake for so long: no data either (REKEY_AFTER_TIME is 120)."""
    renew: float = 20.0
    sweep: float = 2.0
    linger: float = 900.0
    """How long a closed tunnel's inner flows stay."""
    outage: float = 86400.0
    """How long leases from before the gate was lost are good."""
    garden_life: float = 600.0
    garden_cap: int = 256
    asking_cap: int = 256
    unknown: float = 10.0
    """How long a key without a record is remembered (hashed) as such."""
    unknown_cap: int = 65536
    asks_rate: float = 200.0
    """New keys per second about which the gate is asked."""
    asks_burst: float = 400.0
    room: int = 10_000
    """Tunnels with which the node counts as full, so that customers are shown others first."""


def strict(settings: Settings) -> Settings:
    """Nothing lingers."""
    return replace(settings, linger=0.0)
