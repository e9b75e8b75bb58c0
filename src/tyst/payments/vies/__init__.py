"""Asking the European Commission's VIES whether a company's VAT number is in use. Off unless the operator wants it.

`[vies] ask = "yes"` in `payments.toml`. VIES hears the number, and nothing else of the buyer. Only its plain 'no'
counts: when it is slow or away, or a country's register is (often), the check digits decide, as without it.
Interface: the REST service at ec.europa.eu/taxation_customs/vies, `POST check-vat-number`. Counterpart: `core.vat`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tyst.core.vat import vat_number
from tyst.payments.config import ConfigError, read
from tyst.payments.provider import PaymentError
from tyst.payments.wire import Wire

NAME = "vies"
ADDRESS = "https://ec.europa.eu/taxation_customs/vies/rest-api"
PATIENCE = 1.5
"""Seconds for each step, and twice that for the whole answer: a sale never hangs on it."""


class Vies:
    """The Commission's register of registers."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        wire.patience = PATIENCE

    def denies(self, number: str) -> bool:
        """Whether the number (`SE556703748501`) is certainly not in use. No answer is no denial."""
        asked = {"countryCode": number[:2], "vatNumber": number[2:]}
        try:
            answer = self._wire.ask(
                "POST",
                "/check-vat-number",
                body=json.dumps(asked).encode(),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
            )
            return answer.status == 200 and _denied(answer.json("VIES"), asked)
        except PaymentError:
            return False


def _denied(told: Any, asked: dict[str, str]) -> bool:
    """A 'no' about this very number, and not one that stands for a fault (`userError`: MS_UNAVAILABLE, IP_BLOCKED…)."""
    if not isinstance(told, dict) or told.get("userError", "INVALID") != "INVALID":
        return False
    return told.get("valid") is False and all(told.get(name) == value for name, value in asked.items())


def checked(text: str, country: str, vies: Vies | None = None) -> str | None:
    """A company's number as it is printed, or None: not of this country, a wrong digit, or denied by VIES."""
    number = vat_number(text, country)
    return None if number is None or (vies is not None and vies.denies(number)) else number


def load(state: Path) -> Vies | None:
    """VIES, when the operator wants it asked."""
    return of(read(state).get(NAME, {"ask": "no"}))


def of(answers: Mapping[str, str]) -> Vies | None:
    """The same from her answer, or ConfigError."""
    if answers.get("ask") not in ("yes", "no"):
        raise ConfigError('[vies] ask is "yes" or "no"')
    return Vies(Wire(ADDRESS, "VIES")) if answers["ask"] == "yes" else None
