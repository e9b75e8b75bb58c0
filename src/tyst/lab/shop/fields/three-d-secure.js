// The lab's stand-in for braintree-web/three-d-secure, version 2: the 'bank' asks once when the card is the test number
// for it, in a dialog, and returns a nonce that the gateway knows as asked.
(() => {
  window.braintree = window.braintree || {};
  window.braintree.threeDSecure = {
    VERSION: "3.144.0",
    async create({ client }) {
      const { clientApiUrl } = client.getConfiguration().gatewayConfiguration;
      return {
        async verifyCard({ amount, nonce, bin, onLookupComplete }) {
          await new Promise((next) => onLookupComplete({}, next));
          if (bin === "400000" && !(await asked(amount))) {
            return { nonce, liabilityShifted: false, liabilityShiftPossible: true };
          }
          const answer = await fetch(`${clientApiUrl}/v1/three_d_secure/lookup`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ nonce }) });
          return { nonce: (await answer.json()).nonce, liabilityShifted: true, liabilityShiftPossible: true };
        },
      };
    },
  };

  function asked(amount) {
    const dialog = document.createElement("dialog");
    dialog.id = "lab-bank";
    const text = document.createElement("p");
    text.textContent = `Lab Savings Bank: pay ${amount}?`;
    const [yes, no] = ["Yes", "No"].map((word) => Object.assign(document.createElement("button"), { type: "button", textContent: word }));
    dialog.append(text, yes, no);
    document.body.append(dialog);
    dialog.showModal();
    return new Promise((done) => {
      yes.onclick = () => (dialog.remove(), done(true));
      no.onclick = () => (dialog.remove(), done(false));
    });
  }
})();
