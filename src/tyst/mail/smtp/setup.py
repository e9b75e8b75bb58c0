"""What the operator is asked about her mail server."""

from tyst.mail.letter import Question

QUESTIONS = (
    Question("host", "Name of the mail server"),
    Question("port", "Port: 465 for TLS, 587 for STARTTLS", default="465"),
    Question("user", "User name (empty: none)", default=""),
    Question("password", "Password (empty: none)", secret=True, default=""),
)
AFTERWARDS = """Set the mail server to keep no copies and short logs. Bounces arrive at the sender's address; nobody is
told of them automatically."""
