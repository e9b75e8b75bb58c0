"""DNSSEC at the node's resolver: what a zone signed is marked as checked, what was changed on the way is no answer.

A small authority (unbound with zones of its own) serves an unsigned root and a signed zone, of which one record is
changed after the signing. The zone's key is the resolver's trust anchor, as the root's is in the world.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from tests.lab.small_internet import ADDRESSES, SmallInternet, small_internet, wait_for
from tyst.core.dns import INNER_PORT, Files, Resolver
from tyst.core.faces import FACES, PLAIN

pytestmark = pytest.mark.lab

AUTHORITY = ADDRESSES["web"][0]
ZONE = """\
$ORIGIN signed.test.
@ 60 IN SOA ns.signed.test. hostmaster.signed.test. 1 3600 600 86400 60
@ 60 IN NS ns.signed.test.
ns 60 IN A {authority}
good 60 IN A 192.0.2.7
changed 60 IN A 192.0.2.8
"""
ROOT = """\
. 60 IN SOA ns.signed.test. hostmaster.signed.test. 1 3600 600 86400 60
. 60 IN NS ns.signed.test.
signed.test. 60 IN NS ns.signed.test.
ns.signed.test. 60 IN A {authority}
plain.test. 60 IN A 192.0.2.9
"""
SERVER = """\
server:
  interface: {authority}
  access-control: 0.0.0.0/0 allow
  module-config: "iterator"
  local-zone: "test." nodefault
  username: ""
  chroot: ""
  directory: "/run/test"
  pidfile: ""
  use-syslog: no
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "/run/test/root.zone"
  for-upstream: no
auth-zone:
  name: "signed.test."
  zonefile: "/run/test/signed.zone"
  for-upstream: no
"""
SIGN = """\
cd /run/test && key=$(ldns-keygen -k -a ECDSAP256SHA256 signed.test) && ldns-signzone -f signed.zone plain.zone $key \
&& sed -i '/^changed.signed.test.*IN[[:space:]]A[[:space:]]/s/192.0.2.8/192.0.2.66/' signed.zone && cat $key.key
"""


@pytest.fixture(scope="module")
def internet() -> Iterator[SmallInternet]:
    """An authority at `web`, the node's resolver at `node`, and the plain one behind its relay."""
    with small_internet() as made:
        made.write("/run/test/plain.zone", ZONE.format(authority=AUTHORITY))
        made.write("/run/test/root.zone", ROOT.format(authority=AUTHORITY))
        made.write("/run/test/server.conf", SERVER.format(authority=AUTHORITY))
        anchor = made.run("web", "sh", "-c", SIGN, check=True).stdout.partition(";")[0].strip().replace("\t", " ")
        made.start("web", "unbound", "-d", "-c", "/run/test/server.conf")
        resolver = Resolver(roots=(IPv4Address(AUTHORITY),), anchors=(anchor,))
        files = Files("/run/test/hints")
        made.write(files.hints, resolver.hints_text())
        lines = [f"address add {one} dev lo" for face in FACES for one in (f"{face.four}/32", f"{face.six}/128")]
        made.run("node", "ip", "-batch", "-", given="\n".join(lines), check=True)
        for name, text in (("outer", resolver.text(files)), ("inner", resolver.inner_text(files))):
            made.write(f"/run/test/{name}.conf", text)
            made.start("node", "unbound", "-d", "-c", f"/run/test/{name}.conf")
        for port in (53, INNER_PORT):
            wait_for(lambda port=port: said(made, "plain.test", port)[0] == "NOERROR", 20, "the resolver")  # type: ignore[misc]
        yield made


def said(internet: SmallInternet, name: str, port: int, *options: str) -> tuple[str, bool]:
    """(status, whether it is marked as checked) of an answer."""
    words = ["dig", "+time=2", "+tries=2", "+dnssec", "-p", str(port), *options, f"@{PLAIN.four}", name]
    text = internet.run("node", *words).stdout
    status, flags = re.search(r"status: ([A-Z]+)", text), re.search(r"flags: ([a-z ]+);", text)
    return (status[1] if status else "", bool(flags and "ad" in flags[1].split()))


@pytest.mark.parametrize("port", [53, INNER_PORT])
def test_a_signed_answer_is_marked_and_a_changed_one_is_none(internet: SmallInternet, port: int) -> None:
    assert said(internet, "changed.signed.test", port, "+cd") == ("NOERROR", False), "unchecked, the change would pass"
    assert said(internet, "good.signed.test", port) == ("NOERROR", True)
    assert said(internet, "changed.signed.test", port) == ("SERVFAIL", False)
    assert said(internet, "missing.signed.test", port) == ("NXDOMAIN", True), "that it isn't there is signed, too"
    assert said(internet, "plain.test", port) == ("NOERROR", False), "an unsigned zone is answered, and not marked"
