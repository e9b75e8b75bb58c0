"""What the operator is asked to set CoinPayments up, and what she does afterwards."""

from tyst.payments.provider import Question

SERVER = "https://a-api.coinpayments.net"

QUESTIONS: tuple[Question, ...] = (
    Question("client", "Client ID of your integration (dashboard, Integrations, API)"),
    Question("secret", "Client secret of that integration (shown once)", secret=True),
    Question("site", "Your site's public address (https://…)"),
    Question("server", f"The API's address that the integration shows ({SERVER})", optional=True),
    Question(
        "authority", "File with the authority that signs its server, if the system doesn't know it", optional=True
    ),
)

AFTERWARDS = """Nothing has to be registered: each invoice carries its webhook's address, {callback}.
In the dashboard, give the integration the permissions to create and to read invoices and nothing else, leave buyer's
name and e-mail off, and choose which coins you take and whether an underpaid invoice may be accepted by hand."""
