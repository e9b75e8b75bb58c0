"""What an attacker is: something that says how strongly two things seem to belong together, in one set of dumps.

Each answers by itself; none is told what another found, but for keys and contents that `opened.py` won, which all get
to know (`Case.things` with more faces). Larger is stronger; only comparisons count. NOTHING: it can't say.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from tyst.proof.blind.forms import keys, places
from tyst.proof.blind.opened import Opened, opened
from tyst.proof.blind.things import Dumps, Thing

NOTHING = float("-inf")
Link = Callable[[Thing, Thing], float]


@dataclass
class Case:
    """One world's dumps, and what every attacker computes of them once. `whole`: every window, however long it takes.

    `common`: windows that stand in another world's dumps, too, and so are no secret of this one. `things`: all that is
    asked about.
    """

    dumps: Dumps = field(repr=False)
    whole: bool = False
    common: Set[bytes] = field(default=frozenset(), repr=False)
    things: list[Thing] = field(default_factory=list, repr=False)

    @cached_property
    def opened(self) -> Sequence[Opened]:
        """Records that could be opened, and keys that were recognised."""
        return opened(self.dumps, self.common, whole=self.whole)

    @cached_property
    def keys(self) -> Sequence[bytes]:
        """What keyed hashes are tried with."""
        return keys(self.dumps)

    @cached_property
    def places(self) -> Mapping[str, Mapping[Thing, Sequence[int]]]:
        """By dump and thing: every place where it stands, in any form."""
        return places(self.dumps, self.things, self.keys)

    def known(self, one: Thing) -> Thing:
        """The thing with all that is known of it by now: a recognised key has addresses and spellings."""
        more = {face for found in self.opened if found.concerns(one) for face in found.faces}
        return Thing((*one.faces, *sorted(more - set(one.faces))), one.table, one.index)


@dataclass(frozen=True)
class Attack:
    """`prepare` looks at a case once and gives the function that judges pairs."""

    name: str
    prepare: Callable[[Case], Link] = field(repr=False)
