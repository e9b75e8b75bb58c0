// The WireGuard page: makes a key pair, registers its public half, and hands out file and QR code; revokes a key whose
// config is shown to it. Nothing but public keys and proofs is ever sent. Counterpart: site/pages/wireguard.py.
import { configText, linuxText, privateKeyIn, type Device } from "./config";
import { keyBytes, keyText, newPair, newPreshared, pairOf, proof, type KeyPair } from "./keys";
import { wayTo, type FleetNode } from "./multihop";
import { qrElement } from "./qr";

interface Registered extends Device {
  readonly nodes: readonly FleetNode[];
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
async function present(pair: KeyPair, action: "register" | "revoke", preshared = ""): Promise<any> {
  const challenge = await ask("GET", words["challenge"]!);
  const answer = proof(pair, keyBytes(challenge.key)!);
  const body = { action, public_key: keyText(pair.publicKey), challenge: challenge.challenge, proof: answer, preshared };
  return ask("POST", words["address"]!, body);
}

async function make(): Promise<void> {
  const pair = newPair();
  const preshared = part<HTMLInputElement>("wireguard-preshared").checked ? keyText(newPreshared()) : "";
  const registered: Registered = await present(pair, "register", preshared);
  if (registered.nodes.length === 0) throw new Refused(words["empty"]);
  part("wireguard-make").hidden = true;
  part("wireguard-ready").hidden = false;
  const chosen = part<HTMLSelectElement>("wireguard-node");
  chosen.replaceChildren(...registered.nodes.map(option));
  const entry = part<HTMLSelectElement>("wireguard-entry");
  const dns = part<HTMLSelectElement>("wireguard-dns");
  const show = () => {
    offerEntries(entry, registered.nodes, chosen.value);
    showConfig(keyText(pair.privateKey), preshared, { ...registered, dns: dns.value }, chosen.value, entry.value);
  };
  chosen.addEventListener("change", show);
  entry.addEventListener("change", show);
  dns.addEventListener("change", show);
  show();
  part("wireguard-ready").focus();
}

function option(node: FleetNode): HTMLOptionElement {
  const mark = node.recommended ? `, ${words["recommended"]}` : "";
  return new Option(`${node.city} (${node.name})${mark}`, node.name);
}

/** Every server but the chosen one, behind the choice of none; what was chosen stays chosen while it can. */
function offerEntries(select: HTMLSelectElement, nodes: readonly FleetNode[], exit: string): void {
  const before = select.value;
  const others = nodes.filter((node) => node.name !== exit);
  select.replaceChildren(new Option(words["direct"]!, ""), ...others.map(option));
  select.value = others.some((node) => node.name === before) ? before : "";
}

function showConfig(privateKey: string, preshared: string, registered: Registered, exit: string, entry: string): void {
  const [there, by] = [exit, entry].map((name) => registered.nodes.find((one) => one.name === name));
  const node = wayTo(there!, by);
  const text = configText(privateKey, registered, node, preshared);
  part("wireguard-text").textContent = text;
  part("wireguard-qr").replaceChildren(qrElement(text, words["qr"]!));
  part("wireguard-download").textContent = `${node.name}.conf`;
  offer("wireguard-download", text, `${node.name}.conf`);
  offer("wireguard-linux", linuxText(text, node.endpoint), `${node.name}.conf`);
}

/** A link that saves a text as a file. */
function offer(id: string, text: string, name: string): void {
  const link = part<HTMLAnchorElement>(id);
  if (link.href.startsWith("blob:")) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
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
