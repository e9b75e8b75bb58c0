// One card field, in a frame of the processor's host. What is typed stays here: the page outside hears of states alone.
const key = location.hash.slice(1);
const input = document.querySelector("input");
input.name = input.id = { number: "credit-card-number", cvv: "cvv", expirationDate: "expiration" }[key] ?? key;
input.setAttribute("aria-label", key);

const digits = (text) => text.replace(/\D/g, "");

function passesLuhn(number) {
  const sum = [...number].reverse().map(Number).map((digit, at) => (at % 2 ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : digit));
  return number.length >= 12 && sum.reduce((all, one) => all + one, 0) % 10 === 0;
}

function isInFuture(text) {
  const parts = /^(\d{1,2})\s*\/\s*(\d{2}|\d{4})$/.exec(text.trim());
  if (!parts || +parts[1] < 1 || +parts[1] > 12) return false;
  const year = +parts[2] < 100 ? 2000 + +parts[2] : +parts[2];
  return new Date(year, +parts[1], 1) > new Date() && year < new Date().getFullYear() + 20;
}

const rules = {
  number: (text) => passesLuhn(digits(text)),
  cvv: (text) => /^\d{3,4}$/.test(text.trim()),
  expirationDate: isInFuture,
};

let was = { isValid: false, isEmpty: true };

function say(message) {
  parent.postMessage({ lab: true, ...message }, "*");
}

function tell(event) {
  const state = { isEmpty: !input.value, isValid: (rules[key] ?? Boolean)(input.value), isFocused: document.activeElement === input };
  state.isPotentiallyValid = state.isValid || (event !== "blur" && (key !== "number" || digits(input.value).length < 16)) || state.isEmpty;
  say({ what: "state", event, state });
  const before = was;
  was = state;
  if (event === "input" || event === "blur") {
    if (before.isEmpty !== state.isEmpty) say({ what: "state", event: state.isEmpty ? "empty" : "notEmpty", state });
    if (before.isValid !== state.isValid || before.isPotentiallyValid !== state.isPotentiallyValid) say({ what: "state", event: "validityChange", state });
  }
}

for (const event of ["input", "focus", "blur"]) input.addEventListener(event, () => tell(event));

async function tokenize({ clientApiUrl, fingerprint }) {
  const typed = (name) => parent.frames[`braintree-hosted-field-${name}`].document.querySelector("input").value;
  const creditCard = { number: digits(input.value), cvv: typed("cvv"), expirationDate: typed("expirationDate") };
  try {
    const answer = await fetch(`${clientApiUrl}/v1/payment_methods/credit_cards`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ authorizationFingerprint: fingerprint, creditCard }),
    });
    say({ what: "tokenized", card: (await answer.json()).creditCards?.[0] });
  } catch {
    say({ what: "tokenized", network: true });
  }
}

window.addEventListener("message", ({ source, data }) => {
  if (source !== parent || !data.lab) return;
  if (data.what === "focus") input.focus();
  if (data.what === "tokenize") void tokenize(data);
  if (data.what === "configure") {
    input.placeholder = data.placeholder;
    for (const [name, value] of Object.entries(data.styles.input ?? {})) input.style.setProperty(name, value);
  }
});
say({ what: "ready" });
