"""Cards by Braintree: the official SDK towards its gateway, hosted fields in the buyer's browser."""
