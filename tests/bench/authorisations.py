"""How many connects a core of the gate authorises: keys, VPN credentials, passwords; and how many leases it renews.

Through its own door: HTTP on kept connections, mutual TLS, SQLite records of ten thousand customers. CPU time of the
gate's process. Yardsticks: the cryptography that each needs and nothing else; for passwords the bare argon2id.
"""

import itertools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import argon2
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from tests.bench.figures import Figure, figure
from tests.bench.gatehouse import NODE, PASSWORD, Device, GateHouse, gatehouse, message, nonce, reply
from tests.bench.machine import Compared, Rate, compare, rate
from tyst.core.seal import Kind, open_sealed_to, seal_to
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import Credential, KeyRecord, Lease, credential_pair, open_token, seal_token
from tyst.gate.passwords import LANES, MEMORY_KIB, PASSES
from tyst.messages.admission import Admission, AdmitKey, AdmitLogin, Confirm, Held, Login, Renew, Renewed, Verdict

CUSTOMERS = 10_000
TURN = 400
"""Requests in one turn: about 0.2 CPU seconds."""
LOGINS_TURN = 24
CONNECTS = 2_000
RENEWALS = 20_000
PASSWORDS = 0.9


def bench() -> list[Figure]:
    """Authorisations and renewals per CPU second of the gate."""
    with gatehouse(CUSTOMERS) as house:
        crowd = _Crowd(house)
        admitted = compare(crowd.admit_keys, _bare_key(house))
        confirmed = compare(crowd.confirm, _bare_confirm(house), rounds=5)
        credentials = compare(crowd.credentials, _bare_credential(house))
        passwords = compare(crowd.passwords, _bare_argon2, rounds=7)
        renewed = compare(_renewing(house), _bare_renewal(house), rounds=7)
    return [
        _connects("gate: WireGuard keys", admitted),
        figure("gate: WireGuard confirmations", confirmed.value, "/s/core", confirmed.yardstick, ratio=confirmed.ratio),
        _connects("gate: VPN credentials", credentials),
        figure(
            "gate: passwords",
            passwords.value,
            "/s/core",
            passwords.yardstick,
            ratio=passwords.ratio,
            reaches=f"{PASSWORDS} x bare argon2id",
            holds=passwords.ratio >= PASSWORDS,
        ),
        figure(
            "gate: renewals",
            renewed.value,
            "/s/core",
            renewed.yardstick,
            ratio=renewed.ratio,
            reaches=f"{RENEWALS}/s/core",
            holds=renewed.value >= RENEWALS,
        ),
    ]


def _connects(name: str, measured: Compared) -> Figure:
    return figure(
        name,
        measured.value,
        "/s/core",
        measured.yardstick,
        ratio=measured.ratio,
        reaches=f"{CONNECTS}/s/core",
        holds=measured.value >= CONNECTS,
    )


class _Crowd:
    """Customers in turn, so that each turn is of devices that the gate has not seen lately."""

    def __init__(self, house: GateHouse) -> None:
        self._house = house
        self._turn = itertools.cycle(house.devices)

    def _next(self, count: int) -> list[Device]:
        return list(itertools.islice(self._turn, count))

    def admit_keys(self) -> float:
        """One turn of keys that proved themselves."""
        return self._admitted()[0]

    def _admitted(self) -> tuple[float, list[bytes]]:
        asked = [message(AdmitKey(tag_of(d.public), opener_of(d.public))) for d in self._next(TURN)]
        speed, answers = self._house.rate("admit/key", asked)
        return speed, _leases(answers)

    def confirm(self) -> float:
        """One turn of first packets; the admissions before are not counted."""
        leases = self._admitted()[1]
        speed, answers = self._house.rate("confirm", [message(Confirm(lease)) for lease in leases])
        _leases(answers)
        return speed

    def credentials(self) -> float:
        """One turn of VPN credentials."""
        asked = [_sealed_login(self._house, *_credential(self._house, device)) for device in self._next(TURN)]
        speed, answers = self._house.rate("admit/login", asked)
        _leases(answers)
        return speed

    def passwords(self) -> float:
        """One turn of customers typing their password."""
        asked = [_sealed_login(self._house, device.username, PASSWORD) for device in self._next(LOGINS_TURN)]
        speed, answers = self._house.rate("admit/login", asked)
        _leases(answers)
        return speed


def _leases(answers: list[bytes]) -> list[bytes]:
    """The leases in the gate's answers; every one of them must be OPEN, or something else was measured."""
    admissions = [reply(Admission, answer) for answer in answers]
    strange = [admission.verdict for admission in admissions if admission.verdict is not Verdict.OPEN]
    assert not strange, f"{len(strange)} of {len(answers)} were answered {strange[0]}"
    return [admission.lease for admission in admissions]


def _sealed_login(house: GateHouse, username: str, password: str) -> bytes:
    login = message(Login(username, password))
    public = house.gate_keys.hpke_public
    return message(AdmitLogin(seal_to(public, Kind.LOGIN, login, context=NODE.encode(), now=int(time.time()))))


def _credential(house: GateHouse, device: Device) -> tuple[str, str]:
    return credential_pair(
        seal_token(house.site_keys.seal, Credential(device.handle), nonce=nonce(), now=int(time.time()))
    )


def _seal_lease(house: GateHouse, device: Device, slot: bytes = bytes(8)) -> bytes:
    lease = Lease(device.handle, NODE, tag_of(device.public), slot, day_number_in(30))
    return seal_token(house.gate_keys.seal, lease, nonce=nonce(), now=int(time.time()))


def day_number_in(days: int) -> int:
    """The number of the day so many days from now."""
    return int(time.time()) // 86400 + days


def _timed(work: Callable[[], object], batch: int = 16) -> Rate:
    """The rate of a piece of arithmetic in this process."""

    def several() -> int:
        for _ in range(batch):
            work()
        return batch

    return lambda: rate(several)


def _bare_key(house: GateHouse) -> Rate:
    """What a key costs at least: its record opened (twice sealed), a lease sealed."""
    device, now = house.devices[0], int(time.time())
    tag, opener, ring = tag_of(device.public), opener_of(device.public), house.gate_keys
    record = KeyRecord(device.handle, 203001).sealed(
        tag=tag, opener=opener, gate_public=ring.hpke_public, nonce=nonce(), now=now
    )

    def work() -> None:
        KeyRecord.opened(record, tag=tag, opener=opener, gate_privates=ring.hpke, now=now)
        _seal_lease(house, device)

    return _timed(work)


def _bare_confirm(house: GateHouse) -> Rate:
    """What a confirmation costs at least: one lease opened, one sealed."""
    device, now = house.devices[0], int(time.time())
    blob = _seal_lease(house, device)

    def work() -> None:
        open_token(house.gate_keys.seal, Lease, blob, now=now)
        _seal_lease(house, device)

    return _timed(work)


def _bare_credential(house: GateHouse) -> Rate:
    """What a VPN credential costs at least: the login and the credential opened, a lease sealed."""
    device, now = house.devices[0], int(time.time())
    blob = seal_token(house.site_keys.seal, Credential(device.handle), nonce=nonce(), now=now)
    login = message(Login(*credential_pair(blob)))
    sealed = seal_to(house.gate_keys.hpke_public, Kind.LOGIN, login, context=NODE.encode(), now=now)

    def work() -> None:
        open_sealed_to(house.gate_keys.hpke, Kind.LOGIN, sealed, context=NODE.encode(), now=now)
        open_token(house.gate_keys.seal, Credential, blob, now=now)
        _seal_lease(house, device)

    return _timed(work)


def _bare_argon2() -> float:
    """argon2id with the same parameters, as many at once as the gate runs: they share the memory's bandwidth."""
    hasher = argon2.PasswordHasher(PASSES, MEMORY_KIB, LANES)
    stored = hasher.hash(PASSWORD.encode())
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        began = time.process_time()
        right = list(pool.map(lambda _: hasher.verify(stored, PASSWORD.encode()), range(LOGINS_TURN)))
        spent = time.process_time() - began
    assert all(right)
    return len(right) / spent


def _renewing(house: GateHouse) -> Rate:
    """All leases of a node with as many tunnels as there are customers, in one request, as every 20 s."""
    held = [Held(_seal_lease(house, device, os.urandom(8))) for device in house.devices]
    body = message(Renew(held))

    def turn() -> float:
        speed, answers = house.rate("renew", [body], each=len(held))
        ended = reply(Renewed, answers[0]).ended
        assert not ended, f"{len(ended)} of {len(held)} leases ended: {ended[0].why}"
        return speed

    return turn


def _bare_renewal(house: GateHouse) -> Rate:
    """What a renewal costs at least: the lease's AES-256-GCM-SIV opened, by the library alone."""
    cipher, iv, block = AESGCMSIV(os.urandom(32)), bytes(12), os.urandom(80)
    sealed = cipher.encrypt(iv, block, iv)
    return _timed(lambda: cipher.decrypt(iv, sealed, iv), 64)
