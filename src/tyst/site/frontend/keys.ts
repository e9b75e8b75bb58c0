// WireGuard keys in the browser: making a pair, writing keys as text, and proving that we hold a private half.
// The private key stays in this page's memory; a preshared key is sent once, because the other end needs it.
// Counterparts: core/wireguard/config.py and site/possession.py.
import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A fresh key pair. The private key is clamped as `wg genkey` does it (RFC 7748, section 5). */
export function newPair(): KeyPair {
  const privateKey = crypto.getRandomValues(new Uint8Array(32));
  privateKey[0] = privateKey[0]! & 248;
  privateKey[31] = (privateKey[31]! & 127) | 64;
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}

/** A fresh preshared key, as `wg genpsk` makes one. */
export function newPreshared(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}

/** The pair of a private key that somebody holds already. */
export function pairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}

/** A key as WireGuard writes it: base64 of 32 bytes. */
export function keyText(key: Uint8Array): string {
  return btoa(String.fromCharCode(...key));
}

/** The 32 bytes of a key's text, or null when it is none. */
export function keyBytes(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  return keyText(bytes) === text ? bytes : null;
}

/** HMAC-SHA256 over the public key, keyed by the secret shared with the challenge's key; in hexadecimal. */
export function proof(pair: KeyPair, challengeKey: Uint8Array): string {
  const secret = x25519.getSharedSecret(pair.privateKey, challengeKey);
  return Array.from(hmac(sha256, secret, pair.publicKey), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
