// The way through a pair of servers, as a config has it: the exit's key, the entry's address, the port that stands for
// the exit there. Counterpart: core/multihop.py, which names ports and files; a test compares the two.
import type { PeerNode } from "./config";

export interface FleetNode extends PeerNode {
  readonly city: string;
  readonly country: string;
  readonly number: number;
  readonly recommended?: boolean;
}

const PORTS = 30000;
const NAME_BYTES = 15;

/** What a config leads to: the exit itself, or the exit by an entry. */
export function wayTo(exit: FleetNode, entry?: FleetNode): PeerNode {
  if (!entry) return exit;
  const address = entry.endpoint.slice(0, entry.endpoint.lastIndexOf(":"));
  return { name: fileName(entry, exit), key: exit.key, endpoint: `${address}:${PORTS + exit.number}` };
}

function fileName(entry: FleetNode, exit: FleetNode): string {
  const ends = `${entry.country}${entry.number}-${exit.country}${exit.number}`;
  return ends.length <= NAME_BYTES - 3 ? `mh-${ends}` : `mh${ends}`;
}
