"""The node's resolvers as values, and as text for unbound (unbound.conf(5)).

One process, several faces: on port 53 (and 853 and 443 over TLS) of each face's addresses (`core.faces`) it resolves
for open tunnels, less what the face blocks; on the garden's port it answers our own names and the names by which
operating systems ask whether they are behind a portal, and nothing else. Names that leave by a streaming address are
asked for at the agent's relay (`tyst.node.streams`), which asks a second, plain process (`inner_text`). None of them
logs, counts or takes orders, and their small caches in RAM name no client. This starts no program:
`tyst.node.resolver` does. The firewall (`core.firewall`) decides who reaches which port.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from tyst.core.faces import FACES, HTTPS_BEHIND, TLS_PORT
from tyst.core.firewall import GARDEN_DNS_PORT
from tyst.core.kinds import STREAMING, names_of
from tyst.core.lists import Lists
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

INNER_PORT, RELAY_PORT = 5355, 5356
"""The plain process and the agent's relay, at the resolver's first address; no tunnel reaches these ports."""

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
  infra-keep-probing: yes
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
class Files:
    """Paths that a configuration names. `hints`: `hints_text`; `certificate` (a chain) and `key`: PEM, for TLS."""

    hints: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Resolver:
    """What the node's resolvers are made of.

    `roots`: addresses of root servers to use instead of the Internet's (a lab's own, which is unsigned). `anchor`: the
    root's trust anchor file; empty: the root is not validated. `anchors`: further trust anchors (DS or DNSKEY records,
    as text). `site`: the public site's name and addresses. `lists`: what is blocked, and what is streaming.
    """

    site: str = ""
    site_addresses: tuple[Address, ...] = ()
    roots: tuple[Address, ...] = ()
    anchor: str = ""
    anchors: tuple[str, ...] = ()
    lists: Lists = field(default=Lists(0), repr=False)

    def __post_init__(self) -> None:
        if self.site and not HOST_NAME.fullmatch(self.site):
            raise ValueError("a site's name has labels of letters, digits and hyphens")
        if any('"' in anchor or "\n" in anchor for anchor in self.anchors):
            raise ValueError("a trust anchor is one record")

    @property
    def streams(self) -> bool:
        """Whether any name is to be asked for at the relay."""
        return bool(self.lists.of(STREAMING))

    def text(self, files: Files) -> str:
        """unbound.conf of the process that tunnels reach."""
        doors = [*self._doors(bool(files.key)), *self._tls(files)]
        server = [_SILENT, _MANNERS, *doors, *self._trust(), *self._roots(files.hints), *self._own(), *self._blocked()]
        return f"server:\n{''.join(server)}{self._garden()}{self._streams()}{_NO_CONTROL}"

    def inner_text(self, files: Files) -> str:
        """unbound.conf of the plain process behind the relay. It validates; it knows no faces, and keeps little."""
        door = f"{RESOLVER4}@{INNER_PORT}"
        lines = [f"  interface: {door}\n  interface-action: {door} allow\n  max-udp-size: 65000\n"]
        private = [f"  private-address: {net}\n" for net in _PRIVATE]
        server = [_SILENT, _MANNERS, *lines, *private, *self._trust(), *self._roots(files.hints)]
        return f"server:\n{''.join(server)}{_NO_CONTROL}"

    def hints_text(self) -> str:
        """The root hints (RFC 1035 master file) for `roots`."""
        lines = [f". 3600 IN NS root{number}.invalid.\n" for number in range(len(self.roots))]
        for number, address in enumerate(self.roots):
            lines.append(f"root{number}.invalid. 3600 IN {'A' if address.version == 4 else 'AAAA'} {address}\n")
        return "".join(lines)

    def _doors(self, tls: bool) -> list[str]:
        """Where it listens. Who may ask is said by interface, as any access-control line would overrule the view."""
        garden = f"{RESOLVER6}@{GARDEN_DNS_PORT}"
        lines = [_door(garden), f'  interface-view: {garden} "garden"\n']
        lines.append(f'  define-tag: "{" ".join(face.word for face in FACES if face.blocks)}"\n')
        for face in FACES:
            for port in (53, TLS_PORT, HTTPS_BEHIND) if tls else (53,):
                for address in (face.four, face.six):
                    lines.append(_door(f"{address}@{port}"))
                    if face.blocks:
                        lines.append(f'  interface-tag: {address}@{port} "{face.word}"\n')
        return lines + [f"  private-address: {net}\n" for net in _PRIVATE]

    def _tls(self, files: Files) -> list[str]:
        if not files.key:
            return []
        lines = [f'  tls-service-key: "{files.key}"\n', f'  tls-service-pem: "{files.certificate}"\n']
        return [
            *lines,
            f"  tls-port: {TLS_PORT}\n",
            f"  https-port: {HTTPS_BEHIND}\n",
            '  http-endpoint: "/dns-query"\n',
        ]

    def _trust(self) -> list[str]:
        root = [f'  trust-anchor-file: "{self.anchor}"\n'] if self.anchor and not self.roots else []
        trust = [*root, *(f'  trust-anchor: "{anchor}"\n' for anchor in self.anchors)]
        return [f'  module-config: "{"validator " if trust else ""}iterator"\n', *trust]

    def _roots(self, hints: str) -> list[str]:
        if not self.roots:
            return []
        return [f'  root-hints: "{hints}"\n', '  local-zone: "test." nodefault\n']

    def _own(self) -> list[str]:
        """The faces' own names lead to their addresses inside the tunnel."""
        pairs = zip(names_of(self.site), FACES, strict=False)
        records = [(name, address) for name, face in pairs for address in (face.four, face.six)]
        return [f"  local-data: '{name}. 20 IN {_kind(address)} {address}'\n" for name, address in records]

    def _blocked(self) -> list[str]:
        """A name that no face may block is our own site's."""
        tags: dict[str, str] = {}
        for face in FACES:
            for name in sorted({name for kind in face.blocks for name in self.lists.of(kind)}):
                if self.site != name and not self.site.endswith(f".{name}"):
                    tags[name] = f"{tags[name]} {face.word}" if name in tags else face.word
        return [
            f'  local-zone: "{name}." always_nxdomain\n  local-zone-tag: "{name}." "{words}"\n'
            for name, words in tags.items()
        ]

    def _streams(self) -> str:
        """The plain process validates these; this one can't any more, as the relay makes one set out of a chain."""
        names = self.lists.of(STREAMING)
        insecure = "".join(f'  domain-insecure: "{name}."\n' for name in names)
        relay = f"  forward-addr: {RESOLVER4}@{RELAY_PORT}\n"
        zones = "".join(f'forward-zone:\n  name: "{name}."\n{relay}' for name in names)
        return f"server:\n{insecure}{zones}" if names else ""

    def _garden(self) -> str:
        """Over IPv6 only, because that is all a garden tunnel has: our own names and the probes; all else NXDOMAIN."""
        own = [f"{name}. AAAA {NOTICE6}" for name in (NOTICE_NAME, *PORTAL_PROBES)]
        six = [address for address in self.site_addresses if address.version == 6]
        own += [f"{self.site}. AAAA {address}" for address in six if self.site]
        data = "".join(f"  local-data: '{_with_ttl(line)}'\n" for line in own)
        return f'view:\n  name: "garden"\n  view-first: no\n  local-zone: "." static\n{data}'


_NO_CONTROL = "remote-control:\n  control-enable: no\n"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fd00::/8", "fe80::/10", "::ffff:0:0/96")
"""A public name never leads into a tunnel or a private network (DNS rebinding)."""


def _door(door: str) -> str:
    return f"  interface: {door}\n  interface-action: {door} allow\n"


def _kind(address: Address) -> str:
    return "A" if address.version == 4 else "AAAA"


def _with_ttl(line: str) -> str:
    name, rest = line.split(" ", 1)
    return f"{name} 20 IN {rest}"


def site_name(url: str) -> str:
    """The host name in the site's address; empty when it has none."""
    return url.partition("://")[2].partition("/")[0].partition(":")[0].lower()


def addresses_of(texts: Iterable[str]) -> tuple[Address, ...]:
    """Textual addresses as values. ValueError for anything else."""
    return tuple(ip_address(text) for text in texts)
