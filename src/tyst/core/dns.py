"""The node's resolver as a value, and as text for unbound (unbound.conf(5)).

One process, two faces: on port 53 it resolves for open tunnels, on the garden's port it answers our own names and the
names by which operating systems ask whether they are behind a portal, and nothing else. It logs nothing, counts
nothing, takes no orders, and keeps a small cache in RAM that names no client. It starts no program:
`tyst.node.resolver` does. The firewall (`core.firewall`) decides who reaches which port.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from tyst.core.firewall import GARDEN_DNS_PORT
from tyst.core.wireguard.addresses import NOTICE6, RESOLVER4, RESOLVER6

Address = IPv4Address | IPv6Address

PORTAL_PROBES = (
    "captive.apple.com",
    "www.apple.com",
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "clients3.google.com",
    "www.msftconnecttest.com",
    "www.msftncsi.com",
    "ipv6.msftconnecttest.com",
    "detectportal.firefox.com",
    "nmcheck.gnome.org",
    "network-test.debian.org",
    "connectivity-check.ubuntu.com",
)
"""Names that Apple, Google, Microsoft, Mozilla, GNOME, Debian and Ubuntu ask over plain HTTP to find a portal."""

NOTICE_NAME = "notice.tyst.internal"

_SILENT = """\
  verbosity: 0
  use-syslog: no
  logfile: ""
  log-queries: no
  log-replies: no
  log-servfail: no
  log-local-actions: no
  statistics-interval: 0
  statistics-cumulative: no
  extended-statistics: no
  do-daemonize: no
  pidfile: ""
  chroot: ""
  directory: "/"
  username: ""
"""
_MANNERS = """\
  num-threads: 1
  so-reuseport: no
  msg-cache-size: 4m
  rrset-cache-size: 8m
  key-cache-size: 1m
  neg-cache-size: 1m
  infra-cache-numhosts: 2000
  outgoing-range: 400
  num-queries-per-thread: 1000
  edns-buffer-size: 1232
  prefetch: no
  serve-expired: no
  minimal-responses: yes
  qname-minimisation: yes
  aggressive-nsec: yes
  harden-glue: yes
  harden-dnssec-stripped: yes
  harden-below-nxdomain: yes
  hide-identity: yes
  hide-version: yes
  hide-trustanchor: yes
  deny-any: yes
  unwanted-reply-threshold: 10000000
"""


HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
"""A host's name in small letters (RFC 1123, section 2.1): nothing that means anything to a configuration."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """What the node's resolver is made of.

    `roots`: addresses of root servers to use instead of the Internet's (a lab's own; then nothing is signed and DNSSEC
    is off). `anchor`: the root's trust anchor file; empty: no DNSSEC. `site`: the public site's name and addresses.
    """

    site: str = ""
    site_addresses: tuple[Address, ...] = ()
    roots: tuple[Address, ...] = ()
    anchor: str = ""

    def __post_init__(self) -> None:
        if self.site and not HOST_NAME.fullmatch(self.site):
            raise ValueError("a site's name has labels of letters, digits and hyphens")

    def text(self, *, hints: str = "") -> str:
        """unbound.conf. `hints`: path of a file with `hints_text`, where `roots` are given."""
        server = [_SILENT, _MANNERS, *self._doors(), *self._trust(), *self._roots(hints)]
        return f"server:\n{''.join(server)}{self._garden()}remote-control:\n  control-enable: no\n"

    def hints_text(self) -> str:
        """The root hints (RFC 1035 master file) for `roots`."""
        lines = [f". 3600 IN NS root{number}.invalid.\n" for number in range(len(self.roots))]
        for number, address in enumerate(self.roots):
            lines.append(f"root{number}.invalid. 3600 IN {'A' if address.version == 4 else 'AAAA'} {address}\n")
        return "".join(lines)

    def _doors(self) -> list[str]:
        """Where it listens. Who may ask is said by interface, as any access-control line would overrule the view."""
        doors = [f"{RESOLVER4}@53", f"{RESOLVER6}@53", f"{RESOLVER6}@{GARDEN_DNS_PORT}"]
        lines = [f"  interface: {door}\n  interface-action: {door} allow\n" for door in doors]
        lines += [f'  interface-view: {doors[-1]} "garden"\n']
        return lines + [f"  private-address: {net}\n" for net in _PRIVATE]

    def _trust(self) -> list[str]:
        if not self.anchor or self.roots:
            return ['  module-config: "iterator"\n']
        return ['  module-config: "validator iterator"\n', f'  trust-anchor-file: "{self.anchor}"\n']

    def _roots(self, hints: str) -> list[str]:
        if not self.roots:
            return []
        return [f'  root-hints: "{hints}"\n', '  local-zone: "test." nodefault\n']

    def _garden(self) -> str:
        """Over IPv6 only, because that is all a garden tunnel has: our own names and the probes; all else NXDOMAIN."""
        own = [f"{name}. AAAA {NOTICE6}" for name in (NOTICE_NAME, *PORTAL_PROBES)]
        six = [address for address in self.site_addresses if address.version == 6]
        own += [f"{self.site}. AAAA {address}" for address in six if self.site]
        data = "".join(f"  local-data: '{_with_ttl(line)}'\n" for line in own)
        return f'view:\n  name: "garden"\n  view-first: no\n  local-zone: "." static\n{data}'


_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fd00::/8", "fe80::/10", "::ffff:0:0/96")
"""A public name never leads into a tunnel or a private network (DNS rebinding)."""


def _with_ttl(line: str) -> str:
    name, rest = line.split(" ", 1)
    return f"{name} 20 IN {rest}"


def site_name(url: str) -> str:
    """The host name in the site's address; empty when it has none."""
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()


def addresses_of(texts: Iterable[str]) -> tuple[Address, ...]:
    """Textual addresses as values. ValueError for anything else."""
    return tuple(ip_address(text) for text in texts)
