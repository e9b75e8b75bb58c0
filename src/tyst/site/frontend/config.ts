// A WireGuard config's text, built where the private key is. The same bytes as core/wireguard/config.py writes: a test
// compares the two.
export interface Device {
  readonly address: string;
  readonly dns: string;
  readonly mtu: number;
  readonly allowed: string;
}

export interface PeerNode {
  readonly name: string;
  readonly key: string;
  readonly endpoint: string;
}

const SWITCH = "tyst_kill_switch";

/** The file's text, ended by a newline. `privateKey` and `preshared`: 44 characters of base64; "" for no preshared key. */
export function configText(privateKey: string, device: Device, node: PeerNode, preshared = ""): string {
  return [
    `# Tyst ${node.name}`,
    "[Interface]",
    `PrivateKey = ${privateKey}`,
    `Address = ${device.address}`,
    `DNS = ${device.dns}`,
    `MTU = ${device.mtu}`,
    "",
    "[Peer]",
    `PublicKey = ${node.key}`,
    ...(preshared ? [`PresharedKey = ${preshared}`] : []),
    `AllowedIPs = ${device.allowed}`,
    `Endpoint = ${node.endpoint}`,
    "",
  ].join("\n");
}

/** A config's text for wg-quick on Linux, with the kill switch of core/wireguard/config.py. */
export function linuxText(text: string, endpoint: string): string {
  return text.replace("\n\n[Peer]\n", () => `\n${killSwitch(endpoint)}\n\n[Peer]\n`);
}

function killSwitch(endpoint: string): string {
  const cut = endpoint.lastIndexOf(":");
  const address = endpoint.slice(0, cut).replace(/[[\]]/g, "");
  const rules = [
    'oifname { "lo", "%i" } accept',
    `meta mark '$(wg show %i fwmark)' ${address.includes(":") ? "ip6" : "ip"} daddr ${address} udp dport ${endpoint.slice(cut + 1)} accept`,
    "meta skuid 0 udp sport { 68, 546 } udp dport { 67, 547 } accept",
    "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept",
    "reject with icmpx admin-prohibited",
  ];
  const out = `chain out { type filter hook output priority 0; policy drop; ${rules.join("; ")}; }`;
  const through =
    'chain through { type filter hook forward priority 0; policy drop; oifname "%i" accept; iifname "%i" accept; }';
  const table = `table inet ${SWITCH}; delete table inet ${SWITCH}; table inet ${SWITCH} { ${out}; ${through}; }`;
  return `PostUp = nft '${table}'\nPreDown = nft delete table inet ${SWITCH} || true`;
}

/** The private key's text in a config somebody has, or null. */
export function privateKeyIn(text: string): string | null {
  return /^\s*PrivateKey\s*=\s*([A-Za-z0-9+/]{43}=)\s*(?:#.*)?$/im.exec(text)?.[1] ?? null;
}
