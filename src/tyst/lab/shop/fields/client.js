// The lab's stand-in for braintree-web/client: reads the client token and asks the gateway for its configuration.
window.braintree = window.braintree || {};
window.braintree.client = {
  VERSION: "3.144.0",
  async create({ authorization }) {
    let token;
    try {
      token = JSON.parse(atob(authorization));
    } catch {
      throw Object.assign(new Error("Authorization is invalid."), { code: "CLIENT_INVALID_AUTHORIZATION", type: "MERCHANT" });
    }
    const answer = await fetch(token.configUrl).catch(() => undefined);
    if (!answer || !answer.ok) {
      throw Object.assign(new Error("Cannot contact the gateway."), { code: "CLIENT_GATEWAY_NETWORK", type: "NETWORK" });
    }
    const configuration = { authorization, authorizationFingerprint: token.authorizationFingerprint, gatewayConfiguration: await answer.json() };
    return { getConfiguration: () => structuredClone(configuration) };
  },
};
