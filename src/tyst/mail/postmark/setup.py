"""What the operator is asked about Postmark, and what she does there."""

from tyst.mail.letter import Question

QUESTIONS = (
    Question("token", "Server API token", secret=True),
    Question("stream", "Message stream", default="outbound"),
    Question("user", "A user name for the webhook (choose one)"),
    Question("password", "A password for the webhook (choose a long one)", secret=True),
)
AFTERWARDS = """In Postmark, for this server: switch off open and link tracking, set message retention to the shortest,
and add a webhook for bounces with that user name and password, without message content: {bounces}"""
