"""One feature's share of the node's firewall: rules for the places at which a feature may speak, and what it declares.

`Ruleset` (see `ruleset.py`) asks every part at every place, in the order in which the parts are given, and joins the
answers into one transaction. A part is a value: it opens no socket and knows nothing of tunnels that are up (those are
elements of collections, see `collections.py`). A part that has nothing to say at a place inherits the empty answer.
"""

from collections.abc import Sequence

Rules = Sequence[str]


class Part:
    """A feature without rules; features override what they need. Every answer is a list of rules in nft(8)'s words."""

    def declares(self) -> str:
        """Sets and maps of fixed content, and chains of the part's own, as nft text (`text.chain`, `text.listed`)."""
        return ""

    def first(self) -> Rules:
        """Raw, before connection tracking, on every interface, after the flood limits (priority -310)."""
        return ()

    def first_out(self) -> Rules:
        """Raw, for packets that the node itself sends."""
        return ()

    def input(self) -> Rules:
        """From the public side to the node itself, before what is otherwise accepted."""
        return ()

    def services(self) -> Rules:
        """From a tunnel to the node itself, before everything else is dropped."""
        return ()

    def stop(self) -> Rules:
        """From one interface to another, in both directions: every packet, open flows included, before all else.

        Costs every packet, so it is for what must end at once; say nothing here while nothing is to be stopped.
        """
        return ()

    def leave(self) -> Rules:
        """From a tunnel to the internet: a packet of a new flow, before it is judged by its addresses. May refuse."""
        return ()

    def back(self) -> Rules:
        """From the internet into a tunnel, on a flow that is not the tunnel's own. May accept (with its own checks)."""
        return ()

    def forward(self) -> Rules:
        """From the internet to the internet, through the node: what is not accepted here is dropped."""
        return ()

    def redirect(self) -> Rules:
        """Destination NAT of what comes out of a tunnel, before names are turned to the node's resolver."""
        return ()

    def nat_in(self) -> Rules:
        """Destination NAT of what comes from the public side."""
        return ()

    def nat_out(self) -> Rules:
        """Source NAT of what leaves on the public side, before the node's own address is used."""
        return ()
