"""What the browser's script does with a key pair, in Python: keys, and the answer to a challenge."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.unit.site.person import Answer, Person
from tyst.core.wireguard.config import key_bytes, key_text
from tyst.site.possession import answer


@dataclass
class DeviceKey:
    """A device's key pair."""

    private: bytes = field(default_factory=lambda: X25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> bytes:
        return X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()

    def form(self, challenge: dict[str, str], action: str = "register") -> dict[str, str]:
        """The fields that the script posts."""
        proof = answer(self.private, key_bytes(challenge["key"]), self.public).hex()
        return {
            "action": action,
            "public_key": key_text(self.public),
            "challenge": challenge["challenge"],
            "proof": proof,
        }

    def send(self, person: Person, action: str = "register", **change: str) -> Answer:
        """Asks for a challenge, answers it, and posts."""
        challenge = person.get("/en/account/wireguard/challenge").json
        form = {**self.form(challenge, action), **change}
        return person.post("/en/account/wireguard", form, HTTP_ACCEPT="application/json")
