"""The resolver's configuration: silent, with faces of its own, and with the operator's lists in it."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from tyst.core.dns import PORTAL_PROBES, Files, Resolver, addresses_of, site_name
from tyst.core.faces import CLEAN, FACES, FAMILY, PLAIN
from tyst.core.kinds import LABELS, names_of
from tyst.core.lists import made

SITE = (IPv4Address("198.18.1.10"), IPv6Address("2001:db8:c::10"))
TLS = Files("/hints", "/certificate", "/key")
LISTS = made(1, {"ads": ["ads.test", "both.test"], "adult": ["adult.test", "both.test"], "streaming": ["film.test"]})


def lines(resolver: Resolver | None = None, files: Files = TLS) -> list[str]:
    return [line.strip() for line in (resolver or Resolver("tyst.test", SITE)).text(files).splitlines()]


def test_it_writes_and_counts_nothing_and_takes_no_orders() -> None:
    wanted = ['logfile: ""', "use-syslog: no", "log-queries: no", "log-replies: no", "extended-statistics: no"]
    wanted += ["statistics-interval: 0", "control-enable: no", 'pidfile: ""', "log-servfail: no"]
    inner = [line.strip() for line in Resolver("tyst.test", SITE).inner_text(TLS).splitlines()]
    assert [line for line in wanted if line not in lines()] == [line for line in wanted if line not in inner] == []


def test_only_tunnels_may_ask_and_at_the_faces_addresses_alone() -> None:
    doors = [line.split()[1] for line in lines() if line.startswith("interface: ")]
    faces = {f"{address}@{port}" for face in FACES for address in (face.four, face.six) for port in (53, 853, 5357)}
    assert set(doors) == {*faces, "fd74:7973:7400::1@5354"} and len(doors) == len(set(doors))
    assert [line for line in lines() if line.startswith("interface-action: ")] == [
        f"interface-action: {door} allow" for door in doors
    ]


def test_without_a_certificate_there_is_no_door_for_tls() -> None:
    plain = lines(files=Files("/hints"))
    assert not any("@853" in line or "@5357" in line or line.startswith("tls-") for line in plain)
    assert 'tls-service-key: "/key"' in lines() and "https-port: 5357" in lines()


def test_a_face_blocks_its_kinds_and_no_other_face_does() -> None:
    said = lines(Resolver("tyst.test", SITE, lists=LISTS))
    assert 'local-zone: "ads.test." always_nxdomain' in said
    tags = {line.split()[1]: line.partition(' "')[2] for line in said if line.startswith("local-zone-tag: ")}
    assert {name.strip('".') for name in tags} == {"ads.test", "adult.test", "both.test"}
    assert 'local-zone-tag: "ads.test." "clean family"' in said and 'local-zone-tag: "adult.test." "family"' in said
    assert 'local-zone-tag: "both.test." "clean family"' in said
    for face, tag in ((CLEAN, "clean"), (FAMILY, "family")):
        assert f'interface-tag: {face.six}@853 "{tag}"' in said
    assert not any(line.startswith(f"interface-tag: {PLAIN.four}@") for line in said)


def test_no_list_blocks_our_own_site() -> None:
    lists = made(1, {"malware": ["tyst.test", "other.test"]})
    said = lines(Resolver("www.tyst.test", SITE, lists=lists))
    assert not any('zone: "tyst.test."' in line for line in said) and any(
        'zone: "other.test."' in line for line in said
    )


def test_streaming_names_are_asked_for_at_the_relay_and_others_are_not() -> None:
    said = lines(Resolver("tyst.test", SITE, lists=LISTS))
    at = said.index("forward-zone:")
    assert (
        said[at + 1 : at + 3] == ['name: "film.test."', "forward-addr: 10.0.0.1@5356"]
        and said.count("forward-zone:") == 1
    )
    assert "forward-zone:" not in Resolver("tyst.test", SITE, lists=LISTS).inner_text(TLS)
    assert "forward-zone:" not in lines() and not Resolver().streams


def test_the_faces_have_names_in_the_sites_own_domain() -> None:
    assert list(LABELS) == [face.word for face in FACES]
    assert (
        names_of("tyst.test") == ("dns.tyst.test", "clean.dns.tyst.test", "family.dns.tyst.test") and names_of("") == ()
    )
    assert "local-data: 'clean.dns.tyst.test. 20 IN AAAA fd74:7973:7400::3'" in lines()


def test_the_garden_answers_the_site_the_notice_and_the_portal_probes_only() -> None:
    said = lines()
    garden = said[said.index('name: "garden"') :]
    assert 'local-zone: "." static' in garden and "view-first: no" in garden
    assert "local-data: 'tyst.test. 20 IN AAAA 2001:db8:c::10'" in garden
    assert all(f"local-data: '{name}. 20 IN AAAA fd74:7973:7400::2'" in garden for name in PORTAL_PROBES)


def test_a_lab_with_its_own_root_is_validated_by_its_own_anchors_and_the_internet_by_the_roots() -> None:
    lab = Resolver(roots=(IPv4Address("198.18.2.53"),), anchor="/key")
    assert 'root-hints: "/hints"' in lines(lab) and 'module-config: "iterator"' in lines(lab)
    assert lab.hints_text() == ". 3600 IN NS root0.invalid.\nroot0.invalid. 3600 IN A 198.18.2.53\n"
    world = lines(Resolver(anchor="/key"))
    assert 'trust-anchor-file: "/key"' in world and 'module-config: "validator iterator"' in world
    signed = lines(Resolver(roots=lab.roots, anchor="/key", anchors=("signed.test. IN DS 1 13 2 ab",)))
    assert 'trust-anchor: "signed.test. IN DS 1 13 2 ab"' in signed and 'module-config: "validator iterator"' in signed
    with pytest.raises(ValueError, match="anchor"):
        Resolver(anchors=('x"\nlogfile: "/x',))


def test_the_sites_name_and_addresses_are_read_from_what_the_gate_announces() -> None:
    assert site_name("https://Tyst.Test:8443/x") == "tyst.test" and site_name("") == ""
    assert addresses_of(["198.18.1.10", "2001:db8:c::10"]) == SITE
