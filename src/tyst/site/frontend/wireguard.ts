// The WireGuard page: makes a key pair, registers its public half, and hands out file and QR code; revokes a key whose
// config is shown to it. Nothing but public keys and proofs is ever sent. Counterpart: site/pages/wireguard.py.
import { configText, privateKeyIn, type Device, type PeerNode } from "./config";
import { keyBytes, keyText, newPair, pairOf, proof, type KeyPair } from "./keys";
import { qrElement } from "./qr";

interface Registered extends Device {
  readonly nodes: readonly (PeerNode & { readonly city: string })[];
}

class Refused extends Error {}

const root = document.getElementById("wireguard-app")!;
const words = root.dataset;
const part = <Kind extends HTMLElement>(id: string): Kind => document.getElementById(id) as Kind;

async function ask(method: "GET" | "POST", address: string, body?: Record<string, string>): Promise<any> {
  const options: RequestInit = { method, headers: { Accept: "application/json" }, cache: "no-store" };
  if (body) options.body = new URLSearchParams(body);
  const response = await fetch(address, options).catch(() => null);
  if (!response) throw new Refused(words["offline"]);
  if (response.status === 401 || response.redirected) location.reload();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.sentence || words["offline"]);
  return answer;
}

/** Sends a public key with the proof that its private half is here. */
async function present(pair: KeyPair, action: "register" | "revoke"): Promise<any> {
  const challenge = await ask("GET", words["challenge"]!);
  const answer = proof(pair, keyBytes(challenge.key)!);
  const body = { action, public_key: keyText(pair.publicKey), challenge: challenge.challenge, proof: answer };
  return ask("POST", words["address"]!, body);
}

async function make(): Promise<void> {
  const pair = newPair();
  const registered: Registered = await present(pair, "register");
  if (registered.nodes.length === 0) throw new Refused(words["empty"]);
  part("wireguard-make").hidden = true;
  part("wireguard-ready").hidden = false;
  const chosen = part<HTMLSelectElement>("wireguard-node");
  chosen.replaceChildren(...registered.nodes.map((node) => new Option(`${node.city} (${node.name})`, node.name)));
  const show = () => showConfig(keyText(pair.privateKey), registered, chosen.value);
  chosen.addEventListener("change", show);
  show();
  part("wireguard-ready").focus();
}

function showConfig(privateKey: string, registered: Registered, name: string): void {
  const node = registered.nodes.find((one) => one.name === name)!;
  const text = configText(privateKey, registered, node);
  part("wireguard-text").textContent = text;
  part("wireguard-qr").replaceChildren(qrElement(text, words["qr"]!));
  const link = part<HTMLAnchorElement>("wireguard-download");
  if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = `${node.name}.conf`;
  link.textContent = `${node.name}.conf`;
}

async function revoke(): Promise<void> {
  const file = part<HTMLInputElement>("wireguard-file").files?.[0];
  const text = file ? await file.text() : part<HTMLTextAreaElement>("wireguard-paste").value;
  const privateKey = keyBytes(privateKeyIn(text) ?? text.trim());
  if (!privateKey) throw new Refused(words["noconfig"]);
  await present(pairOf(privateKey), "revoke");
  part<HTMLTextAreaElement>("wireguard-paste").value = "";
  part<HTMLInputElement>("wireguard-file").value = "";
  say("revoke-said", words["revoked"]!, false);
}

function say(place: string, sentence: string, wrong: boolean): void {
  const said = part(place);
  said.textContent = sentence;
  said.className = wrong ? "said wrong" : "said right";
}

function onClick(id: string, place: string, act: () => Promise<void>): void {
  const button = part<HTMLButtonElement>(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    say(place, "", false);
    try {
      await act();
    } catch (error) {
      say(place, error instanceof Refused ? error.message : words["offline"]!, true);
    }
    button.disabled = false;
  });
}

root.hidden = false;
onClick("make", "make-said", make);
onClick("revoke", "revoke-said", revoke);
