// Asks our own site where a payment is, and goes on to the receipt once nothing changes any more. Without this script the
// page reloads itself (a meta element within noscript). Counterpart: pages/paid.py.
const PAUSE = 3000;

interface State {
  readonly state: string;
  readonly lasting: boolean;
}

const said = document.getElementById("waiting");
if (said) void watch(said);

async function watch(said: HTMLElement): Promise<void> {
  for (;;) {
    await new Promise((done) => setTimeout(done, PAUSE));
    const told = await ask(said.dataset["state"] ?? "");
    if (told?.lasting) return location.assign(said.dataset["done"] ?? "");
    if (told && told.state !== said.dataset["shown"]) show(said, told.state);
  }
}

/** Where the payment is; nothing when our own site can't be reached just now. */
async function ask(address: string): Promise<State | undefined> {
  try {
    const answer = await fetch(address, { cache: "no-store" });
    return answer.ok ? ((await answer.json()) as State) : undefined;
  } catch {
    return undefined;
  }
}

function show(said: HTMLElement, state: string): void {
  said.dataset["shown"] = state;
  said.textContent = said.dataset[state] ?? said.textContent;
}
