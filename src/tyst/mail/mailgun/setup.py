"""What the operator is asked about Mailgun, and what she does there."""

from tyst.mail.letter import Question

QUESTIONS = (
    Question("domain", "Sending domain, as in Mailgun"),
    Question("region", "Region of the domain: eu or us", default="eu"),
    Question("key", "Sending key of the domain", secret=True),
    Question("signing", "Webhook signing key (HTTP webhook signing key)", secret=True),
)
AFTERWARDS = """In Mailgun, for this domain: switch off open, click and unsubscribe tracking, set message retention
to 0 days, and add a webhook for permanent failures: {bounces}"""
