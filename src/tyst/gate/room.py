"""Everything the gate holds while it runs: its keys, its view of the records, and what it knows in RAM.

What is in RAM dies with the process: slot counts under keyed hashes, unconfirmed admissions, buckets, and the handles
whose once-in-a-lifetime flag the next daily batch will set. Clock, ticks and randomness come from `gate.wiring`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tyst.core.keyring import Keyring
from tyst.core.rounding import month_of
from tyst.core.seal import NONCE_BYTES
from tyst.core.slots import SlotTable, account_key
from tyst.core.tokens import Token, seal_token
from tyst.gate.authority import Authority
from tyst.gate.blocks import BlockList
from tyst.gate.loads import Loads
from tyst.gate.passwords import PasswordDesk
from tyst.gate.provisional import Provisional
from tyst.gate.quotas import Quotas
from tyst.gate.shelf import ListShelf
from tyst.gate.totals import Totals
from tyst.records.statements import FleetRow, Records

DAY = 86400
NONCE = slice(7, 7 + NONCE_BYTES)
"""Where a sealed value's nonce stands (`core.seal`): it names one lease among all of a tag."""


@dataclass
class Gate:
    """The room. `clock`: seconds since 1970; `ticks`: seconds that never go backwards; `draw(n)`: n random bytes."""

    keys: Keyring
    records: Records
    fleet: FleetRow
    authority: Authority
    openvpn: Authority
    passwords: PasswordDesk
    clock: Callable[[], float]
    ticks: Callable[[], float]
    draw: Callable[[int], bytes]
    site_addresses: Callable[[], list[str]]
    slots: SlotTable
    slot_secret: bytes = field(repr=False)
    provisional: Provisional = field(default_factory=Provisional)
    quotas: Quotas = field(default_factory=Quotas)
    blocks: BlockList = field(default_factory=BlockList)
    lists: ListShelf = field(default_factory=lambda: ListShelf(None))
    loads: Loads = field(default_factory=Loads)
    totals: Totals = field(default_factory=Totals)
    state: Path | None = None
    """Where the daily batch writes statistics; None: nowhere."""
    connected: set[bytes] = field(default_factory=set, repr=False)
    shuffle: Callable[[list[bytes]], None] = random.SystemRandom().shuffle

    def now(self) -> int:
        """Seconds since 1970, for seals."""
        return int(self.clock())

    def today(self) -> int:
        """Days since 1970 (UTC)."""
        return int(self.clock()) // DAY

    def month(self) -> int:
        """This month (UTC) as YYYYMM."""
        return month_of(datetime.fromtimestamp(self.clock(), UTC))

    def account_key(self, handle: bytes) -> bytes:
        """The name of an account in the slot table and in the buckets of what customers ask."""
        return account_key(handle, self.slot_secret)

    def seal(self, token: Token) -> bytes:
        """Seals a token with a fresh nonce."""
        return seal_token(self.keys.seal, token, nonce=self.draw(NONCE_BYTES), now=self.now())
