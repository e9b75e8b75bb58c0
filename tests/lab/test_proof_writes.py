"""The zero-write check: silence is 0 bytes, one byte is caught with its file's name, on each host alone."""

from collections.abc import Iterator

import pytest

from tyst.lab.host import Host
from tyst.lab.lab import Lab
from tyst.proof.writes import WriteWatch, plant_byte

pytestmark = pytest.mark.lab
HOSTS = ["se-sto", "de-fra", "control"]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.build(hosts=HOSTS) as built:
        yield built


def hosts(lab: Lab) -> list[Host]:
    return [lab[name] for name in HOSTS]


def test_reading_computing_and_using_ram_write_nothing(lab: Lab) -> None:
    with WriteWatch(hosts(lab)) as watch:
        for host in hosts(lab):
            host.run(["sh", "-c", "cat /etc/passwd > /run/copy; ls -R /etc > /tmp/list; getent hosts localhost"])
        writes = watch.finish()
    assert writes.clean, writes.lines()
    assert writes.total == 0


@pytest.mark.parametrize("name", HOSTS)
def test_one_byte_is_caught_where_it_was_written_and_its_file_is_named(lab: Lab, name: str) -> None:
    with WriteWatch(hosts(lab)) as watch:
        plant_byte(lab[name])
        writes = watch.finish()
    assert {host for host, count in writes.written.items() if count} == {name}
    assert [line.split(":")[0] for line in writes.lines()] == [name]
    assert "var/tmp/tyst-one-byte" in writes.lines()[0]


MAPPING = 'import mmap; f = open("/var/tmp/kept", "r+b"); m = mmap.mmap(f.fileno(), 1); m[0:1] = b"y"; m.flush()'
WAYS = {
    "append": "printf x >> /var/tmp/kept",
    "overwrite in place": "printf x | dd of=/var/tmp/kept conv=notrunc status=none",
    "through a mapping": f"python3 -c '{MAPPING}'",
    "truncate": "truncate -s 0 /var/tmp/kept",
    "touch": "touch /var/tmp/kept",
    "change the mode": "chmod 0601 /var/tmp/kept",
    "make a folder": "mkdir /var/tmp/folder",
    "rename": "mv /var/tmp/kept /var/tmp/renamed",
    "made and deleted": "printf x > /var/tmp/short; sync; rm /var/tmp/short",
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_writing_is_caught(lab: Lab, way: str) -> None:
    host = lab["control"]
    host.run(["sh", "-c", "rm -rf /var/tmp/*; printf kept > /var/tmp/kept"])
    with WriteWatch([host]) as watch:
        host.run(["sh", "-c", WAYS[way]])
        writes = watch.finish()
    assert writes.written["control"] > 0
    if way != "through a mapping":  # the kernel tells nobody; the counter knows
        assert writes.touched["control"], writes


def test_a_file_that_lived_only_between_two_syncs_is_named_even_if_no_sector_was_written(lab: Lab) -> None:
    host = lab["control"]
    with WriteWatch([host]) as watch:
        host.run(["sh", "-c", "printf x > /var/tmp/brief; rm /var/tmp/brief"])
        writes = watch.finish()
    assert not writes.clean
    assert any("brief" in touch.path for touch in writes.touched["control"])


def test_what_was_written_before_the_watch_is_not_counted(lab: Lab) -> None:
    host = lab["control"]
    host.run(["sh", "-c", "head -c 300000 /dev/urandom > /var/tmp/before"])
    with WriteWatch([host]) as watch:
        assert watch.finish().clean
