"""How Braintree's gateway writes: XML as its servers do (types as attributes, dashes in names), and signed webhooks.

The lab's, never imported by product code. Reading requests is left to the SDK's own parser; writing is all done here,
so that the SDK meets text it did not make. Counterparts: `braintree_vault.py` (what is written), `braintree.py`.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from tyst.lab.shop.braintree_vault import Card, Invalid, Transaction

_DATE = "%Y-%m-%dT%H:%M:%SZ"


def document(name: str, value: Any) -> bytes:
    """A whole answer."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{element(name, value)}\n'.encode()


def element(name: str, value: Any) -> str:
    """One element. Lists become arrays of `item`, unless they hold (name, value) pairs."""
    name = name.replace("_", "-")
    if isinstance(value, bool):
        return f'<{name} type="boolean">{str(value).lower()}</{name}>'
    if isinstance(value, int):
        return f'<{name} type="integer">{value}</{name}>'
    if value is None:
        return f'<{name} nil="true"/>'
    if isinstance(value, datetime):
        return f'<{name} type="datetime">{value.strftime(_DATE)}</{name}>'
    if isinstance(value, Mapping):
        inside = "\n  ".join(element(key, one) for key, one in value.items())
        return f"<{name}>\n  {inside}\n</{name}>"
    if isinstance(value, list):
        pairs = [one if isinstance(one, tuple) else ("item", one) for one in value]
        inside = "".join(element(key, one) for key, one in pairs)
        return f'<{name} type="array">{inside}</{name}>' if inside else f'<{name} type="array"/>'
    return f"<{name}>{escape(str(value))}</{name}>"


def transaction(one: Transaction) -> dict[str, Any]:
    """A transaction, as much of Braintree's as matters and some that must not (card digits, the buyer's bank)."""
    code, text, kind = one.answer
    return {
        "id": one.id,
        "status": one.status,
        "type": one.type,
        "currency_iso_code": one.currency,
        "amount": _amount(one.amount),
        "merchant_account_id": one.account,
        "order_id": one.order or None,
        "created_at": one.created,
        "updated_at": one.created,
        "customer": {"id": one.customer or None, "first_name": None, "last_name": None, "email": None},
        "billing": {"id": None, "country_code_alpha2": None},
        "refund_ids": list(one.refunds),
        "refunded_transaction_id": one.gives_back or None,
        "processor_response_code": code,
        "processor_response_text": text,
        "processor_response_type": kind,
        "gateway_rejection_reason": one.rejected or None,
        "network_transaction_id": "020210311174514",
        "recurring": one.recurring,
        "credit_card": card(one.card, one.token),
        "status_history": [("status_event", _status(one))],
        "disputes": [("dispute", dispute(one, made, nested=False)) for made in one.disputes],
        "payment_instrument_type": "credit_card",
        "three_d_secure_info": None,
    }


def _status(one: Transaction) -> dict[str, Any]:
    told = {"timestamp": one.created, "status": one.status, "amount": _amount(one.amount)}
    return told | {"user": "lab", "transaction_source": "api"}


def card(one: Card, token: str) -> dict[str, Any]:
    """A card, as it is shown to merchants."""
    told = {"token": token or None, "bin": one.number[:6], "last_4": one.number[-4:], "card_type": "Visa"}
    return told | {"expiration_month": one.month, "expiration_year": one.year, "issuing_bank": "Lab Savings Bank"}


def customer(name: str, cards: Mapping[str, Card]) -> dict[str, Any]:
    """A customer of the vault."""
    shown = [("credit_card", card(one, token) | {"default": True}) for token, one in cards.items()]
    told = {"id": name, "merchant_id": "lab", "first_name": None, "last_name": None, "email": None}
    return told | {"credit_cards": shown, "addresses": [], "payment_methods": []}


def dispute(one: Transaction, made: Mapping[str, Any], *, nested: bool = True) -> dict[str, Any]:
    """A dispute; `nested`: with the transaction it is about."""
    told = {
        "id": made["id"],
        "amount": _amount(one.amount),
        "amount_disputed": _amount(one.amount),
        "currency_iso_code": one.currency,
        "kind": made["kind"],
        "status": made["status"],
        "reason": "fraud",
        "created_at": made["opened"],
    }
    inner = {"id": one.id, "amount": _amount(one.amount), "order_id": one.order, "created_at": one.created}
    return told | ({"transaction": inner} if nested else {})


def errors(fault: Invalid, of: Transaction | None = None) -> bytes:
    """The 422 of a request that was refused, or of a sale that was declined (`of`)."""
    inside: dict[str, Any] = {"errors": []}
    if of is None:
        inside = {"errors": [("error", {"code": fault.code, "attribute": fault.attribute, "message": str(fault)})]}
    told: dict[str, Any] = {"errors": {"errors": [], "transaction": inside}, "message": str(fault)}
    return document("api_error_response", told | ({"transaction": transaction(of)} if of else {}))


def notification(kind: str, subject: tuple[str, Any], when: datetime) -> str:
    """A webhook's payload: base64 in lines of 60 characters, as Braintree breaks it."""
    text = element("notification", {"kind": kind, "timestamp": when, "subject": dict([subject])})
    whole = base64.b64encode(text.encode()).decode()
    return "".join(f"{whole[at : at + 60]}\n" for at in range(0, len(whole), 60))


def signature(payload: str, public_key: str, private_key: str) -> str:
    """Braintree's: HMAC-SHA1 under the SHA-1 of the private key, beside the public key."""
    key = hashlib.new("sha1", private_key.encode(), usedforsecurity=False).digest()
    return f"{public_key}|{hmac.new(key, payload.encode(), 'sha1').hexdigest()}"


def form(payload: str, public_key: str, private_key: str) -> bytes:
    """The body of a webhook."""
    signed = {"bt_signature": signature(payload, public_key, private_key), "bt_payload": payload}
    return urlencode(signed).encode()


def _amount(value: Decimal) -> str:
    return f"{value:.2f}"
