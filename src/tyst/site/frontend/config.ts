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

/** The file's text, ended by a newline. `privateKey`: 44 characters of base64. */
export function configText(privateKey: string, device: Device, node: PeerNode): string {
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
    `AllowedIPs = ${device.allowed}`,
    `Endpoint = ${node.endpoint}`,
    "",
  ].join("\n");
}

/** The private key's text in a config somebody has, or null. */
export function privateKeyIn(text: string): string | null {
  return /^\s*PrivateKey\s*=\s*([A-Za-z0-9+/]{43}=)\s*(?:#.*)?$/im.exec(text)?.[1] ?? null;
}
