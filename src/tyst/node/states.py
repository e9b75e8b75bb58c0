"""The life of one WireGuard tunnel, as a table.

A device that knocks is ASKING while the gate is asked; nothing exists for it yet. Let in on a provisional lease, its
peer and its addresses exist for ten seconds: PROVISIONAL. WireGuard's first authenticated packet shows that a live
device is there and no recording; the gate is told (CONFIRMING) and gives the lease that counts: OPEN. GARDEN is a
tunnel that reaches only the page which says why; it is asked for again every 20 s and confirmed like any other.
Idle for 180 s, or ended by the gate, a tunnel is GONE: no peer, no address, no entry here.

While the gate is lost, an idle OPEN tunnel leaves its lease behind under a hash (kept by `tunnels.py`, not a state):
that device may return, nobody else. An event that the table doesn't name is an error of ours: it raises, and changes
nothing.
"""

from enum import Enum


class State(Enum):
    """Where a tunnel is. GONE is the end: such a tunnel is in no table."""

    ASKING = "asking"
    PROVISIONAL = "provisional"
    CONFIRMING = "confirming"
    OPEN = "open"
    GARDEN = "garden"
    GONE = "gone"


class Event(Enum):
    """What can happen to it."""

    LET_IN = "the gate gave a provisional lease"
    RESUMED = "the gate is lost and the device has a live lease from before"
    SPOKE = "first authenticated packet"
    CONFIRMED = "the gate gave the lease that counts"
    CONFINED = "the gate said: garden"
    PROMOTED = "asked again, the gate gave a provisional lease"
    OUTLIVED = "its lease has had its time, and the gate must be asked anew"
    DECLINED = "the gate said no, or nothing"
    LAPSED = "nothing came in time"
    IDLED = "180 s since the last handshake"
    ENDED = "the gate ended it, or the node stops"


NEXT: dict[State, dict[Event, State]] = {
    State.ASKING: {
        Event.LET_IN: State.PROVISIONAL,
        Event.RESUMED: State.OPEN,
        Event.CONFINED: State.GARDEN,
        Event.DECLINED: State.GONE,
        Event.ENDED: State.GONE,
    },
    State.PROVISIONAL: {
        Event.SPOKE: State.CONFIRMING,
        Event.LAPSED: State.GONE,
        Event.ENDED: State.GONE,
    },
    State.CONFIRMING: {
        Event.CONFIRMED: State.OPEN,
        Event.CONFINED: State.GARDEN,
        Event.DECLINED: State.GONE,
        Event.IDLED: State.GONE,
        Event.ENDED: State.GONE,
    },
    State.OPEN: {
        Event.OUTLIVED: State.CONFIRMING,
        Event.CONFINED: State.GARDEN,
        Event.LAPSED: State.GONE,
        Event.IDLED: State.GONE,
        Event.ENDED: State.GONE,
    },
    State.GARDEN: {
        Event.PROMOTED: State.CONFIRMING,
        Event.CONFINED: State.GARDEN,
        Event.DECLINED: State.GONE,
        Event.LAPSED: State.GONE,
        Event.IDLED: State.GONE,
        Event.ENDED: State.GONE,
    },
    State.GONE: {},
}


class IllegalMove(RuntimeError):
    """An event that has no place in this state. Names both, and no tunnel."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a tunnel that is {state.value} can't see this event: {event.value}")


def after(state: State, event: Event) -> State:
    """The state that follows, or IllegalMove."""
    following = NEXT[state].get(event)
    if following is None:
        raise IllegalMove(state, event)
    return following
