"""What the operator is asked to set Swish up, and what she does afterwards."""

from tyst.payments.provider import Question

SERVER = "https://cpc.getswish.net"

QUESTIONS: tuple[Question, ...] = (
    Question("number", "Your Swish number (10 digits, starts with 123)"),
    Question("certificate", "File with the certificate from Swish Certificate Management and its chain (PEM)"),
    Question("key", "File with the certificate's private key (PEM, without a password)"),
    Question("site", "Your site's public address (https://…)"),
    Question("message", "Text that the buyer sees in the app, at most 50 letters (Tyst)", optional=True),
    Question("server", f"Swish's server ({SERVER}; to try: https://mss.cpc.getswish.net)", optional=True),
    Question(
        "authority", "File with the authority that signs Swish's server, if the system doesn't know it", optional=True
    ),
)

AFTERWARDS = """Nothing has to be registered at Swish: each payment request carries its callback address, {callback}.
Swish posts there from its own addresses over HTTPS on port 443, without SNI: the certificate that your site shows to
who names no host must be one that browsers trust. Renew the client certificate before it ends (two years): the check
says when."""
