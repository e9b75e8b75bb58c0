"""Steps 1 to 4: Alice signs up, makes a key in her browser, connects; a key is known only while it is used."""

import base64
import json
import re
import statistics
import sys
import threading
import time

from tyst.journey import pages
from tyst.journey.cast import Cast, forms_of_key
from tyst.journey.report import expect
from tyst.lab.bringup import STATE
from tyst.lab.topology import PLACES, is_exit
from tyst.lab.wait import wait_until
from tyst.lab.watch import Watch
from tyst.lab.wireguard import wg_show

FIELDS = 21
CROWD = 1000
GONE_WITHIN = 185.0
SEEN_WITHIN = 45.0
"""A busy machine takes its time; that it is quick is what the cold connects measure."""
RETRY_MS = 1000.0
"""A client tries again after 5 s: any answer that took over a second may have waited for that."""


def sign_up(cast: Cast) -> str:
    """Step 1: username and password only, a voucher, and the 21 fields."""
    browser, names = cast.browser("alice"), cast.alice_names
    pages.sign_up(browser, names)
    pages.redeem(browser, cast.provider.vouchers(1)[0])
    fields = pages.fields(browser)
    expect(len(fields) == FIELDS, f"the account page shows {len(fields)} fields, not {FIELDS}")
    expect(fields["username"] == names.username, "the account page shows another name")
    expect(fields["devices"] == "0", "devices is not 0 before the first connect")
    expect("subscription" in fields and fields["subscription"].strip(), "the voucher gave no time")
    country, until = fields["country"], fields["subscription"][:10]
    return f"{len(fields)} fields; country {country} from the address, subscription to {until}"


def make_key(cast: Cast) -> str:
    """Step 2: the browser makes the key pair; file and QR code agree; the private key is in no request."""
    browser = cast.browser("alice")
    text = cast.files["alice"] = pages.make_key(browser, "se-sto")
    private = re.search(r"^PrivateKey = (\S+)$", text, re.MULTILINE)
    expect(private, "the file has no private key")
    assert private
    scanned = scan_code(cast, base64.b64decode(browser.picture("#wireguard-qr")))
    expect(scanned == text, "the QR code is not the file, byte for byte")
    sent = browser.requests()
    expect(
        not [1 for request in sent for form in forms_of_key(private.group(1)) if form in request],
        "the private key was sent",
    )
    expect(
        [1 for request in sent for form in forms_of_key(pages.public_of(private.group(1))) if form in request],
        "the watch saw no public key either: it proves nothing",
    )
    return f"file and QR code agree; {len(sent)} requests, the private key in none, the public key in one"


def scan_code(cast: Cast, picture: bytes) -> str:
    """What a phone's camera reads from a picture of a QR code (zbarimg)."""
    host = cast.lab["alice"]
    host.run(["sh", "-c", "base64 -d > /run/qr.png"], input=base64.b64encode(picture).decode())
    return host.run(["zbarimg", "-q", "--raw", "--oneshot", "-Sbinary", "/run/qr.png"], timeout=30).stdout


def connect(cast: Cast) -> str:
    """Step 3: `wg-quick up` with that file; address, DNS, no packet beside the tunnel, one device."""
    cast.peers_before = cast.peers("se-sto")
    alice, place = cast.alice, PLACES["se-sto"]
    home = alice.address()
    expect(home == str(PLACES["alice"].ipv4), "before the tunnel the echo server does not see her own address")
    port = re.search(r"^Endpoint = .*:(\d+)$", cast.files["alice"], re.MULTILINE)
    assert port
    alice.wireguard_up(cast.files["alice"], "se-sto")
    outside = f"not (udp port {port.group(1)} and host {place.ipv4}) and not icmp6"
    with Watch(cast.lab["alice"], "eth0", outside, leaving=True) as watch:
        checks = seen_from_outside(cast, "alice", "se-sto")
        expect(not watch.packets, f"{watch.count()} packets left outside the tunnel")
    wait_until(lambda: pages.devices(cast.browser("alice")) == 1, within=40, what="devices to be 1")
    return f"{checks}; 0 packets outside the tunnel; devices 1"


def seen_from_outside(cast: Cast, who: str, node: str) -> str:
    """A person's address is one of the node's exits in both families, and only the node's resolver asks for her."""
    person, place = cast.people[who], PLACES[node]
    leaves_by(cast, who, node)
    expect(is_exit(node, person.address(6, within=20)), "over IPv6 she is not seen at one of the node's exits")
    name = person.asks()
    wait_until(lambda: cast.witnesses(name), within=20, what="a resolver to ask for her name")
    askers = set(cast.witnesses(name))
    expect(askers <= {str(place.ipv4), str(place.ipv6)}, "another resolver than the node's asked for her")
    return "seen at the node's IPv4 and IPv6; DNS by the node's resolver only"


def leaves_by(cast: Cast, who: str, node: str, within: float = SEEN_WITHIN, every: float = 0.1) -> None:
    """Waits until the internet sees a person at one of a node's exits; `NotInTime` says when it doesn't."""
    person = cast.people[who]
    wait_until(
        lambda: is_exit(node, person.address()), within=within, every=every, what=f"{who} to be seen at {node}'s exit"
    )


def unknown_before(cast: Cast) -> str:
    """Step 4: the node held no peer before her handshake; a thousand never-seen keys connect without a retry."""
    expect(cast.peers_before == [], "the node held a peer before her first handshake")
    expect(len(cast.peers("se-sto")) == 1, "the node does not hold exactly her peer now")
    times = cold_connects(cast, "mallory", "se-sto", CROWD)
    answered = [t for t in times if t is not None]
    figures = cast.report.figures
    figures["cold_connects"] = len(answered)
    figures["cold_connect_ms_median"] = round(statistics.median(answered), 2) if answered else -1
    figures["cold_connect_ms_max"] = round(max(answered), 2) if answered else -1
    expect(len(answered) == len(times), f"{len(times) - len(answered)} of {len(times)} cold connects got no answer")
    late = [t for t in answered if t > RETRY_MS]
    expect(not late, f"{len(late)} of {len(times)} waited for the client's retry")
    median, worst = figures["cold_connect_ms_median"], figures["cold_connect_ms_max"]
    return f"{len(times)} keys: median {median} ms, worst {worst} ms, no retry"


def cold_connects(cast: Cast, who: str, node: str, count: int) -> list[float | None]:
    """Connects with `count` never-seen keys from a client host; times in ms."""
    privates = cast.provider.control.run(
        [sys.executable, "-m", "tyst.journey.crowd", STATE, str(count)], timeout=120
    ).stdout
    key = wg_show(cast.node(node), "public-key").strip()
    words = [sys.executable, "-m", "tyst.journey.cold", "--endpoint", f"{PLACES[node].ipv4}:51820", "--public-key", key]
    out = cast.lab[who].run(words, input=privates, timeout=60 + count * 0.5).stdout
    times: list[float | None] = json.loads(out)
    return times


class Forgotten:
    """Watches in the background how long a node remembers one peer after its last handshake."""

    def __init__(self, cast: Cast, node: str) -> None:
        self._cast, self._node = cast, node
        self.seconds: float | None = None
        self.error = ""
        self._thread = threading.Thread(target=self._watch, name="forgotten", daemon=True)

    def start(self) -> None:
        """One cold connect whose client vanishes at once, then the watch."""
        (time_ms,) = cold_connects(self._cast, "phone", self._node, 1)
        expect(time_ms is not None, "the peer to be forgotten did not connect")
        self._keys = set(self._cast.peers(self._node))
        self._thread.start()

    def _watch(self) -> None:
        host, key = self._cast.node(self._node), next(iter(self._keys), "")
        handshake = self._last(key)
        try:
            wait_until(
                lambda: key not in self._cast.peers(self._node),
                within=GONE_WITHIN + 15,
                every=0.5,
                what="the peer to go",
            )
            self.seconds = float(host.run(["date", "+%s.%N"]).stdout) - handshake
        except Exception as error:  # noqa: BLE001 - told when the step is judged
            self.error = str(error)

    def _last(self, key: str) -> float:
        dump = wg_show(self._cast.node(self._node), "latest-handshakes")
        times = dict(line.split() for line in dump.splitlines())
        return float(times.get(key, time.time()))

    def judge(self) -> str:
        """Step 4's second half: none held within 185 s after its last handshake."""
        self._thread.join(GONE_WITHIN + 30)
        expect(self.seconds is not None, self.error or "the peer was still there")
        assert self.seconds is not None
        self._cast.report.figures["peer_gone_seconds"] = round(self.seconds, 1)
        expect(self.seconds <= GONE_WITHIN, f"the peer was there {self.seconds:.0f} s after its last handshake")
        return f"gone {self.seconds:.0f} s after its last handshake"
