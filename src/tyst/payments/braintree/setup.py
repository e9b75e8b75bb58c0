"""What the operator is asked about Braintree, and what she is told to register there. Counterpart: `provider.py`.

The answer to the first question may also be a gateway of the lab's own: three words, the gateway's https address, the
address that browsers load the card fields from, and a file with the gateway's certificate authority.
"""

from tyst.payments.provider import Question

QUESTIONS: tuple[Question, ...] = (
    Question("environment", "production, or sandbox to try it"),
    Question("merchant_id", "Merchant ID (control panel, Settings, Business)"),
    Question("public_key", "Public key (Settings, API)"),
    Question("private_key", "Private key (Settings, API)", secret=True),
    Question("account_eur", "ID of the merchant account in EUR", optional=True),
    Question("account_sek", "ID of the merchant account in SEK", optional=True),
    Question("account_usd", "ID of the merchant account in USD", optional=True),
    Question("three_d_secure", "3-D Secure: yes if Braintree has turned it on for you", optional=True),
)

AFTERWARDS = """In Braintree's control panel:
1. Settings, API, Webhooks: create a webhook for {callback} with all kinds of 'Dispute', and 'Transaction Disbursed'.
2. Settings, Processing: turn off AVS (we know no address) and keep CVV on; turn off every e-mail to customers.
3. Settings, Fraud Management: leave device data off; Tyst sends none.
4. Settings, Users and Roles: the key needs to create, void, refund and search transactions, and to use the vault.
"""
