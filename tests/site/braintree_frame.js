// Plays the inside of one of Braintree's frames towards Braintree's own script in the page, on that script's own message
// bus (framebus): the real frames can't be had without Braintree. Bundled by test_card_real_scripts.py.
import Framebus from "framebus";

const PREFIX = "hosted-fields:";
const KEYS = ["number", "expirationDate", "cvv"];
const key = window.name.replace("braintree-hosted-field-", "");
const bus = new Framebus({ channel: location.hash.slice(1) });
const input = document.body.appendChild(document.createElement("input"));

function typed(name) {
  return parent.frames[`braintree-hosted-field-${name}`].document.querySelector("input")?.value ?? "";
}

function tell(type) {
  const state = (name) => {
    const isValid = name === "number" ? typed(name).replace(/\D/g, "") === "4111111111111111" : typed(name).length > 2;
    return [name, { isEmpty: !typed(name), isValid, isPotentiallyValid: isValid || typed(name).length < 4, isFocused: false }];
  };
  const merchantPayload = { emittedBy: key, fields: Object.fromEntries(KEYS.map(state)), cards: [] };
  bus.emit(`${PREFIX}INPUT_EVENT`, { type, merchantPayload });
}

for (const type of ["focus", "blur"]) input.addEventListener(type, () => tell(type));
input.addEventListener("input", () => tell("validityChange"));
if (key === "number") {
  bus.on(`${PREFIX}TOKENIZATION_REQUEST`, (_, reply) => {
    reply([null, { nonce: "tokencc_bh_played", type: "CreditCard", details: { bin: "411111", lastFour: "1111" } }]);
  });
}
bus.emit(`${PREFIX}FRAME_READY`, { field: key }, () => {});
