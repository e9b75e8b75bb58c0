"""WireGuard: registers and revokes public keys. The private key is made in the browser or by `wg` and stays there.

The browser's script answers a challenge and asks for JSON; without JavaScript the same address takes a form, and
openssl computes the proof. What is registered is a sealed record under a tag: then the site can't say whose it is.
"""

import binascii
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from tyst.core.account import is_live
from tyst.core.faces import Face
from tyst.core.tags import opener_of, tag_of
from tyst.core.tokens import NO_PRESHARED, KeyRecord
from tyst.core.wireguard.addresses import tunnel_addresses
from tyst.core.wireguard.config import (
    EVERYTHING,
    MTU,
    ConfigError,
    endpoint_of,
    endpoint_text,
    key_bytes,
    key_text,
    kill_switch,
)
from tyst.records import erase, keys, places
from tyst.records.places import PublicNode
from tyst.site import choices, possession, sentences, sessions
from tyst.site.pages.common import allows, customer, page, signed_in, typed
from tyst.site.sentences import SENTENCES
from tyst.site.services import SiteRequest
from tyst.site.steering import in_order, recommended


class _Refused(Exception):
    """A code of `sentences`, and the HTTP status that goes with it."""

    def __init__(self, code: str, status: int = 422) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@allows("GET", "POST")
def door(request: SiteRequest) -> HttpResponse:
    """The page, and the address that keys are posted to."""
    if request.account is None:
        return _stranger(request)
    if request.method != "POST":
        return page(request, "wireguard.html", _context(request))
    try:
        done = _act(request)
    except _Refused as refusal:
        return _refuse(request, refusal)
    return JsonResponse(done) if _wants_json(request) else page(request, "wireguard_done.html", _with_hooks(done))


def _with_hooks(done: dict[str, Any]) -> dict[str, Any]:
    """The answer with wg-quick's hooks beside each config (the script writes them itself)."""
    nodes = [{**node, "hooks": kill_switch(*endpoint_of(node["endpoint"]))} for node in done.get("nodes", ())]
    return {**done, "nodes": nodes}


def _stranger(request: SiteRequest) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"ok": False, "code": "signed-out", "sentence": ""}, status=401)
    return HttpResponseRedirect(reverse("signin"))


def _wants_json(request: SiteRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _context(request: SiteRequest) -> dict[str, Any]:
    text, public = _challenge(request)
    live = is_live(customer(request)[0].subscription, request.services.now().date())
    return {
        "challenge": text,
        "challenge_key": key_text(public),
        "live": live,
        "nodes": places.public_nodes(),
        "faces": choices.faces(),
    }


def _challenge(request: SiteRequest) -> tuple[str, bytes]:
    services = request.services
    handle, nonce = customer(request)[0].handle, services.draw(sessions.NONCE_BYTES)
    return possession.new_challenge(services.keys, handle, services.draw(32), nonce, services.seconds)


@allows("GET")
@signed_in
def challenge(request: SiteRequest) -> HttpResponse:
    """A fresh challenge, for the script."""
    text, public = _challenge(request)
    return JsonResponse({"challenge": text, "key": key_text(public)})


def _refuse(request: SiteRequest, refusal: _Refused) -> HttpResponse:
    sentence = SENTENCES[refusal.code]
    if _wants_json(request):
        body = {"ok": False, "code": refusal.code, "sentence": str(sentence)}
        return JsonResponse(body, status=refusal.status)
    context = {**_context(request), "errors": {"form": sentence}, "typed_key": typed(request, "public_key", 60)}
    return page(request, "wireguard.html", context, status=refusal.status)


def _act(request: SiteRequest) -> dict[str, Any]:
    """Registers or revokes the posted key once its private half is proven."""
    public_key = _public_key(request)
    revoke = typed(request, "action") == "revoke"
    if not revoke:
        _may_register(request)
    _prove(request, public_key)
    if revoke:
        return _revoke(request, public_key)
    return _register(request, public_key)


def _public_key(request: SiteRequest) -> bytes:
    try:
        return key_bytes(typed(request, "public_key", 60).strip())
    except ConfigError:
        raise _Refused(sentences.KEY_MALFORMED) from None


def _preshared(request: SiteRequest) -> bytes:
    """The preshared key that the device's configuration has; it passes once, and only the gate can read it again."""
    text = typed(request, "preshared", 60).strip()
    try:
        return key_bytes(text) if text else NO_PRESHARED
    except ConfigError:
        raise _Refused(sentences.PRESHARED_MALFORMED) from None


def _may_register(request: SiteRequest) -> None:
    account, _session = customer(request)
    if not is_live(account.subscription, request.services.now().date()):
        raise _Refused(sentences.EXPIRED, 402)
    if request.services.limits.keys.spent(account.handle):
        raise _Refused(sentences.KEYS_TOO_MANY, 429)


def _prove(request: SiteRequest, public_key: bytes) -> None:
    services, handle = request.services, customer(request)[0].handle
    try:
        proof = bytes.fromhex(typed(request, "proof", 80).strip())
        possession.check(services.keys, handle, typed(request, "challenge", 400), public_key, proof, services.seconds)
    except (ValueError, binascii.Error):
        raise _Refused(sentences.PROOF_WRONG) from None
    except possession.ProofError as error:
        raise _Refused(sentences.CHALLENGE_OLD if error.old else sentences.PROOF_WRONG) from None


def _revoke(request: SiteRequest, public_key: bytes) -> dict[str, Any]:
    if not erase.delete_key_record(tag_of(public_key), request.services.now()):
        raise _Refused(sentences.KEY_UNKNOWN, 404)
    return {"ok": True, "revoked": True}


def _register(request: SiteRequest, public_key: bytes) -> dict[str, Any]:
    services, handle = request.services, customer(request)[0].handle
    month = keys.last_month(services.now())
    tag, nonce = tag_of(public_key), services.draw(sessions.NONCE_BYTES)
    gate_public = services.keys.known["gate"]
    preshared = _preshared(request)
    record = KeyRecord(handle, month, preshared).sealed(
        tag=tag, opener=opener_of(public_key), gate_public=gate_public, nonce=nonce, now=services.seconds
    )
    if not services.limits.keys.take(handle):
        raise _Refused(sentences.KEYS_TOO_MANY, 429)
    try:
        keys.add(tag, record, month)
    except keys.KeyTakenError:
        raise _Refused(sentences.KEY_TAKEN, 409) from None
    face = choices.chosen(typed(request, "dns", 20))
    return {**_registered(public_key, services.steering.loads(), face), "preshared": preshared != NO_PRESHARED}


def _registered(public_key: bytes, loads: Mapping[str, int], face: Face) -> dict[str, Any]:
    """What a config needs besides the private key. `loads`: how busy the servers are; the least busy come first."""
    address4, address6 = tunnel_addresses(public_key)
    nodes = places.public_nodes()
    best = recommended(nodes, loads)
    return {
        "ok": True,
        "address": f"{address4}, {address6}",
        "dns": face.text,
        "mtu": MTU,
        "allowed": EVERYTHING,
        "nodes": [{**_node(node), "recommended": node.name in best} for node in in_order(nodes, loads)],
    }


def _node(node: PublicNode) -> dict[str, str | int]:
    return {
        "name": node.name,
        "city": node.city,
        "country": node.country,
        "number": node.number,
        "key": key_text(node.wireguard_public),
        "endpoint": endpoint_text(node.ipv4, node.wireguard_port),
    }
