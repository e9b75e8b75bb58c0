// The lab's stand-in for braintree-web/hosted-fields, API version 3: one frame of this host for each field, in which the
// card is typed. The page never sees it: frames tell only whether a field is empty and valid. `tokenize` asks the number's
// frame, which reads its sisters' (same host) and sends the card to the client API.
(() => {
  const KEYS = { number: "Credit Card Number", cvv: "CVV", expirationDate: "Expiration Date", cardholderName: "Cardholder Name", postalCode: "Postal Code" };
  const CLASSES = { isFocused: "focused", isValid: "valid" };

  function fault(code, type, details) {
    return Object.assign(new Error(code), { name: "BraintreeError", code, type, details });
  }

  class HostedFields {
    #frames = {};
    #state = { fields: {} };
    #heard = {};
    #waiting = new Map();
    #client;
    #host;
    #listen = (event) => this.#told(event);

    async open({ client, fields, styles }) {
      this.#client = client.getConfiguration();
      this.#host = this.#client.gatewayConfiguration.assetsUrl;
      window.addEventListener("message", this.#listen);
      await Promise.all(Object.entries(fields).map(([key, field]) => this.#add(key, field, styles)));
      return this;
    }

    #add(key, field, styles) {
      const container = field.container ?? document.querySelector(field.selector);
      const place = typeof container === "string" ? document.querySelector(container) : container;
      if (!(key in KEYS)) throw fault("HOSTED_FIELDS_INVALID_FIELD_KEY", "MERCHANT");
      if (!place) throw fault("HOSTED_FIELDS_INVALID_FIELD_SELECTOR", "MERCHANT");
      if (place.querySelector("iframe")) throw fault("HOSTED_FIELDS_FIELD_DUPLICATE_IFRAME", "MERCHANT");
      const frame = document.createElement("iframe");
      frame.name = `braintree-hosted-field-${key}`;
      frame.title = field.iframeTitle ?? `Secure Credit Card Frame - ${KEYS[key]}`;
      Object.assign(frame.style, { border: "none", width: "100%", height: "100%", float: "left" });
      this.#frames[key] = frame;
      this.#state.fields[key] = { isEmpty: true, isValid: false, isPotentiallyValid: true, isFocused: false, container: place };
      const ready = new Promise((done) => this.#waiting.set(`ready ${key}`, done));
      frame.src = `${this.#host}/web/3.144.0/html/hosted-fields-frame.min.html#${key}`;
      place.append(frame);
      for (const label of document.querySelectorAll(`label[for="${place.id}"]`)) label.addEventListener("click", () => this.focus(key));
      return ready.then(() => this.#say(key, { what: "configure", styles: styles ?? {}, placeholder: field.placeholder ?? "" }));
    }

    #say(key, message) {
      this.#frames[key].contentWindow.postMessage({ lab: true, ...message }, this.#host);
    }

    #told({ origin, data, source }) {
      const entry = Object.entries(this.#frames).find(([, frame]) => frame.contentWindow === source);
      if (origin !== this.#host || !entry || !data.lab) return;
      const [key] = entry;
      if (data.what === "ready" || data.what === "tokenized") this.#waiting.get(`${data.what} ${key}`)?.(data);
      if (data.what === "state") this.#update(key, data);
    }

    #update(key, { event, state }) {
      const field = Object.assign(this.#state.fields[key], state);
      const names = field.container.classList;
      for (const [flag, name] of Object.entries(CLASSES)) names.toggle(`braintree-hosted-fields-${name}`, field[flag]);
      names.toggle("braintree-hosted-fields-invalid", !field.isPotentiallyValid);
      for (const listener of this.#heard[event] ?? []) listener({ emittedBy: key, fields: this.#state.fields, cards: [] });
    }

    on(event, listener) {
      (this.#heard[event] ??= []).push(listener);
    }

    getState() {
      return { fields: { ...this.#state.fields }, cards: [] };
    }

    focus(key) {
      this.#say(key, { what: "focus" });
    }

    async tokenize() {
      const fields = Object.entries(this.#state.fields);
      if (fields.every(([, field]) => field.isEmpty)) throw fault("HOSTED_FIELDS_FIELDS_EMPTY", "CUSTOMER");
      const invalid = fields.filter(([, field]) => !field.isValid);
      if (invalid.length) {
        const details = { invalidFieldKeys: invalid.map(([key]) => key), invalidFields: Object.fromEntries(invalid.map(([key, field]) => [key, field.container])) };
        throw fault("HOSTED_FIELDS_FIELDS_INVALID", "CUSTOMER", details);
      }
      const told = new Promise((done) => this.#waiting.set("tokenized number", done));
      const { clientApiUrl } = this.#client.gatewayConfiguration;
      this.#say("number", { what: "tokenize", clientApiUrl, fingerprint: this.#client.authorizationFingerprint });
      const { card, network } = await told;
      if (network) throw fault("HOSTED_FIELDS_TOKENIZATION_NETWORK_ERROR", "NETWORK");
      if (!card) throw fault("HOSTED_FIELDS_FAILED_TOKENIZATION", "CUSTOMER");
      return card;
    }

    async teardown() {
      window.removeEventListener("message", this.#listen);
      for (const frame of Object.values(this.#frames)) frame.remove();
    }
  }

  window.braintree = window.braintree || {};
  window.braintree.hostedFields = { VERSION: "3.144.0", create: (options) => new HostedFields().open(options) };
})();
