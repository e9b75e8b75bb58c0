"""To which tunnel a public address leads: the newest that proved itself, the next one when that leaves, none without."""

from ipaddress import IPv4Address, IPv6Address

from tests.unit.node.stage import Stage
from tyst.core.firewall import collections as held
from tyst.messages.admission import Admission, Features, Verdict
from tyst.node.doors import Passage
from tyst.node.drivers.elements import Change
from tyst.node.drivers.firewall import NftFirewall
from tyst.node.drivers.holdings import Holdings

OWN, OTHER = IPv4Address("192.0.2.32"), IPv4Address("192.0.2.33")
FIRST, SECOND = IPv4Address("10.16.0.1"), IPv4Address("10.16.0.2")
SIX = IPv6Address("fd74:7973:7400:1::1")


class Elements:
    """The kernel's maps, element by element, as strict as the kernel."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, bytes], bytes] = {}

    def apply(self, changes: list[Change]) -> bool:
        for change in changes:
            for one in change.elements:
                name = (change.name, one.key)
                assert change.coming != (name in self.there), "the kernel would refuse this"
                if change.coming:
                    self.there[name] = one.value
                else:
                    del self.there[name]
        return True

    def leads(self, public: IPv4Address) -> IPv4Address | None:
        found = self.there.get((held.PUBLIC4.name, public.packed))
        return None if found is None else IPv4Address(found)

    def seen_by(self, inner: IPv4Address) -> IPv4Address | None:
        found = self.there.get((held.MINE4.name, inner.packed))
        return None if found is None else IPv4Address(found)


def made() -> tuple[NftFirewall, Elements]:
    kernel = Elements()
    firewall = NftFirewall(None, kernel)  # type: ignore[arg-type]
    firewall.holdings = Holdings(lambda: 0.0)
    return firewall, kernel


def test_the_newest_tunnel_has_it_and_the_one_before_again_when_that_leaves() -> None:
    firewall, kernel = made()
    firewall.admit([FIRST, SIX], Passage(mine4=OWN))
    assert kernel.leads(OWN) == FIRST
    firewall.admit([SECOND], Passage(mine4=OWN))
    assert kernel.leads(OWN) == SECOND
    assert kernel.seen_by(FIRST) == kernel.seen_by(SECOND) == OWN
    firewall.release([SECOND])
    assert kernel.leads(OWN) == FIRST
    firewall.release([FIRST, SIX])
    assert kernel.leads(OWN) is None and not kernel.there


def test_a_tunnel_that_has_not_proved_itself_takes_it_from_nobody() -> None:
    firewall, kernel = made()
    firewall.admit([FIRST], Passage(mine4=OWN))
    firewall.admit([SECOND], Passage(mine4=OWN, led=False))
    assert kernel.leads(OWN) == FIRST
    firewall.release([SECOND])
    assert kernel.leads(OWN) == FIRST


def test_a_change_leaves_nothing_of_the_old_address() -> None:
    firewall, kernel = made()
    firewall.admit([FIRST], Passage(mine4=OWN))
    firewall.admit([FIRST], Passage(mine4=OTHER))
    assert kernel.leads(OWN) is None and kernel.leads(OTHER) == FIRST and kernel.seen_by(FIRST) == OTHER
    firewall.admit([FIRST], Passage())
    assert kernel.leads(OTHER) is None and kernel.seen_by(FIRST) is None


class Noting:
    """The firewall's passages, as they come."""

    def __init__(self, stage: Stage) -> None:
        self.passages: list[tuple[str, bool]] = []
        stage.tunnels._passage = lambda name, features: Passage(
            features.ipv6, mine4=IPv4Address(features.mine4) if features.mine4 else None
        )
        admit = stage.kernel.admit

        def noted(addresses: object, passage: Passage) -> None:
            self.passages.append((str(passage.mine4 or ""), passage.led))
            admit(addresses, passage)  # type: ignore[arg-type]

        stage.kernel.admit = noted  # type: ignore[assignment,method-assign]


async def test_it_leads_to_a_wireguard_tunnel_only_once_that_has_spoken() -> None:
    stage = Stage()
    heard = Noting(stage)
    features = Features(ipv6=True, mine4=str(OWN))
    stage.gate.admissions = stage.gate.confirmations = [Admission(Verdict.OPEN, features=features)]
    await stage.knock("alice")
    assert heard.passages == [(str(OWN), False)]
    await stage.speak("alice")
    assert heard.passages == [(str(OWN), False), (str(OWN), True)]
    assert [one.mine4 for one in stage.tunnels.held()] == [str(OWN)]


async def test_what_the_gate_says_with_a_renewal_takes_effect_on_the_open_tunnel_and_ends_its_old_flows() -> None:
    stage = Stage()
    heard = Noting(stage)
    await stage.connect("alice")
    (lease,) = [one.lease for one in stage.tunnels.held()]
    stage.tunnels.own(lease, str(OWN))
    assert heard.passages[-1] == (str(OWN), True)
    tunnel = stage.tunnels.table.get(stage.key("alice"))
    assert tunnel is not None and stage.kernel.purged[-1] == tunnel.address4
    stage.tunnels.own(b"nobody's", str(OTHER))
    stage.tunnels.own(lease, "")
    assert heard.passages[-1] == ("", True) and [one.mine4 for one in stage.tunnels.held()] == [""]
