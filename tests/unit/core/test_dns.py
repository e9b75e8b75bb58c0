"""The resolver's configuration: silent, and two-faced."""

from ipaddress import IPv4Address, IPv6Address

from tyst.core.dns import PORTAL_PROBES, Resolver, addresses_of, site_name

SITE = (IPv4Address("198.18.1.10"), IPv6Address("2001:db8:c::10"))


def lines(resolver: Resolver | None = None) -> list[str]:
    return [line.strip() for line in (resolver or Resolver("tyst.test", SITE)).text(hints="/hints").splitlines()]


def test_it_writes_and_counts_nothing_and_takes_no_orders() -> None:
    wanted = ['logfile: ""', "use-syslog: no", "log-queries: no", "log-replies: no", "extended-statistics: no"]
    wanted += ["statistics-interval: 0", "control-enable: no", 'pidfile: ""', "log-servfail: no"]
    assert [line for line in wanted if line not in lines()] == []


def test_only_tunnels_may_ask() -> None:
    doors = [line.split()[1] for line in lines() if line.startswith("interface: ")]
    assert doors == ["10.0.0.1@53", "fd74:7973:7400::1@53", "fd74:7973:7400::1@5354"], "addresses inside tunnels alone"
    assert [line for line in lines() if line.startswith("interface-action: ")] == [
        f"interface-action: {door} allow" for door in doors
    ]


def test_the_garden_answers_the_site_the_notice_and_the_portal_probes_only() -> None:
    garden = lines()[lines().index('name: "garden"') :]
    assert 'local-zone: "." static' in garden and "view-first: no" in garden
    assert "local-data: 'tyst.test. 20 IN AAAA 2001:db8:c::10'" in garden
    assert all(f"local-data: '{name}. 20 IN AAAA fd74:7973:7400::2'" in garden for name in PORTAL_PROBES)


def test_a_lab_with_its_own_root_is_not_validated_and_the_internet_is() -> None:
    lab = Resolver(roots=(IPv4Address("198.18.2.53"),), anchor="/key")
    assert 'root-hints: "/hints"' in lines(lab) and not any("trust-anchor" in line for line in lines(lab))
    assert lab.hints_text() == ". 3600 IN NS root0.invalid.\nroot0.invalid. 3600 IN A 198.18.2.53\n"
    assert 'trust-anchor-file: "/key"' in lines(Resolver(anchor="/key"))


def test_the_sites_name_and_addresses_are_read_from_what_the_gate_announces() -> None:
    assert site_name("https://Tyst.Test:8443/x") == "tyst.test" and site_name("") == ""
    assert addresses_of(["198.18.1.10", "2001:db8:c::10"]) == SITE
