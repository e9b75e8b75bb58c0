// The card page: Braintree's hosted fields, API version 3, loaded from Braintree's own host (or the lab's) only here. The
// card is typed into frames of that host; this script sees states and gets a nonce, which the form posts. Sentences are the
// template's, in the reader's language (card_fields.html). Counterparts: payments/braintree/fields.py names the hosts,
// site/middleware.py lets this page load them.

type Key = "number" | "expirationDate" | "cvv";

interface FieldState {
  readonly isEmpty: boolean;
  readonly isValid: boolean;
  readonly isPotentiallyValid: boolean;
}

interface FieldEvent {
  readonly emittedBy: Key;
  readonly fields: Record<Key, FieldState>;
}

interface Tokenized {
  readonly nonce: string;
  readonly details: { readonly bin: string };
}

interface HostedFields {
  on(event: string, listener: (event: FieldEvent) => void): void;
  getState(): { fields: Record<Key, FieldState> };
  tokenize(): Promise<Tokenized>;
  focus(key: Key): void;
}

interface Verified {
  readonly nonce: string;
  readonly liabilityShifted?: boolean;
  readonly liabilityShiftPossible?: boolean;
}

interface ThreeDSecure {
  verifyCard(options: {
    amount: string;
    nonce: string;
    bin: string;
    onLookupComplete: (data: unknown, next: () => void) => void;
  }): Promise<Verified>;
}

interface Braintree {
  client: { create(options: { authorization: string }): Promise<unknown> };
  hostedFields: { create(options: object): Promise<HostedFields> };
  threeDSecure: { create(options: { client: unknown; version: 2 }): Promise<ThreeDSecure> };
}

const PLACES: Record<Key, string> = { number: "card-number", expirationDate: "card-expiry", cvv: "card-cvv" };
const KEYS = Object.keys(PLACES) as Key[];
const BRAND_NEW = { number: "4111 1111 1111 1111", expirationDate: "MM / YY", cvv: "123" };

const form = document.querySelector<HTMLFormElement>("#card-form");
if (form) void start(form);

async function start(form: HTMLFormElement): Promise<void> {
  const said = (name: string): string => form.dataset[name] ?? "";
  try {
    const [fields, bank] = await open(form);
    for (const event of ["blur", "validityChange", "empty"]) fields.on(event, (told) => judge(told, form, event === "blur"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void pay(form, fields, bank);
    });
    busy(form, false);
  } catch {
    tell(form, said("unloaded"));
  }
}

/** Loads Braintree's scripts and puts its frames into the page. */
async function open(form: HTMLFormElement): Promise<[HostedFields, ThreeDSecure | undefined]> {
  const { fields = "", token = "", verify } = form.dataset;
  for (const name of ["client", "hosted-fields", ...(verify ? ["three-d-secure"] : [])]) await load(`${fields}/${name}.min.js`);
  const braintree = (window as unknown as { braintree: Braintree }).braintree;
  const client = await braintree.client.create({ authorization: token });
  const style = getComputedStyle(place("number"));
  const hosted = await braintree.hostedFields.create({
    client,
    styles: { input: { "font-size": style.fontSize, color: style.color } },
    fields: Object.fromEntries(KEYS.map((key) => [key, field(key)])),
  });
  return [hosted, verify ? await braintree.threeDSecure.create({ client, version: 2 }) : undefined];
}

function field(key: Key): object {
  return { selector: `#${PLACES[key]}`, placeholder: BRAND_NEW[key], iframeTitle: place(key).dataset["title"] ?? "" };
}

function load(address: string): Promise<void> {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => done());
    script.addEventListener("error", () => failed(new Error("not loaded")));
    document.head.append(script);
  });
}

async function pay(form: HTMLFormElement, fields: HostedFields, bank: ThreeDSecure | undefined): Promise<void> {
  tell(form, "");
  const wrong = KEYS.filter((key) => !fields.getState().fields[key].isValid);
  for (const key of KEYS) mark(key, wrong.includes(key));
  if (wrong[0]) return fields.focus(wrong[0]);
  busy(form, true);
  try {
    const card = await fields.tokenize();
    const nonce = bank ? await asked(bank, card, form.dataset["verify"] ?? "") : card.nonce;
    if (!nonce) return refuse(form, "bank");
    form.querySelector<HTMLInputElement>("input[name=nonce]")!.value = nonce;
    form.submit();
  } catch (fault) {
    const code = (fault as { code?: string }).code ?? "";
    refuse(form, code.includes("NETWORK") ? "unreached" : code.startsWith("THREEDS") ? "bank" : "refused");
  }
}

/** The nonce after the buyer's bank has asked her (3-D Secure), or nothing when it was not she. */
async function asked(bank: ThreeDSecure, card: Tokenized, amount: string): Promise<string> {
  const onLookupComplete = (_: unknown, next: () => void): void => next();
  const told = await bank.verifyCard({ amount, nonce: card.nonce, bin: card.details.bin, onLookupComplete });
  return told.liabilityShiftPossible && !told.liabilityShifted ? "" : told.nonce;
}

/** Says beside a field what is wrong with it: when it is left, or once it can't become right any more. */
function judge(told: FieldEvent, form: HTMLFormElement, left: boolean): void {
  const state = told.fields[told.emittedBy];
  mark(told.emittedBy, !state.isEmpty && (left ? !state.isValid : !state.isPotentiallyValid));
  if (state.isValid) tell(form, "");
}

function mark(key: Key, wrong: boolean): void {
  place(key).toggleAttribute("data-wrong", wrong);
  document.getElementById(`${PLACES[key]}-said`)!.hidden = !wrong;
}

function place(key: Key): HTMLElement {
  return document.getElementById(PLACES[key])!;
}

function refuse(form: HTMLFormElement, why: string): void {
  busy(form, false);
  tell(form, form.dataset[why] ?? "");
}

function tell(form: HTMLFormElement, sentence: string): void {
  const said = form.querySelector<HTMLElement>("#card-said")!;
  said.hidden = !sentence;
  said.textContent = sentence;
}

function busy(form: HTMLFormElement, is: boolean): void {
  form.querySelector<HTMLButtonElement>("button[type=submit]")!.disabled = is;
  form.toggleAttribute("data-busy", is);
}
