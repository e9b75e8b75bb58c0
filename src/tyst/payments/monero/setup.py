"""What the operator is asked when she sets Monero up, and what she does afterwards. docs/operate/payments-monero.md."""

from collections.abc import Mapping
from datetime import datetime

from tyst.core.rounding import month_of
from tyst.payments.provider import Question

QUESTIONS: tuple[Question, ...] = (
    Question("wallet_rpc", "address of monero-wallet-rpc on this machine, such as http://127.0.0.1:18083"),
    Question("user", "its login: the name in --rpc-login"),
    Question("password", "its login: the password in --rpc-login", secret=True),
    Question("node", "address of the Monero node behind it, such as http://127.0.0.1:18081"),
    Question("folder", "the folder that it was given as --wallet-dir, for this user to write in"),
    Question("address", "primary address of your own wallet (95 characters, begins with 4)"),
    Question("view_key", "its private view key (64 hexadecimal digits); never the spend key", secret=True),
    Question("rates", "where the rate of XMR stands: a file, or an https address (there is no default)"),
    Question("confirmations", "blocks until a payment is certain (default 10)", optional=True),
)

AFTERWARDS = """There is nothing to register anywhere: Monero has no callbacks.
Keep monerod and monero-wallet-rpc running, and the rate fresh (it is refused when it is older than an hour).
Run ./tyst jobs: payments are found by looking, every few minutes, a month's wallet is destroyed 30 days after it.
Your own wallet sees all payments. Before you restore it from its seed, read docs/operate/payments-monero.md.
"""


def completed(answers: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The answers with the month of the first sale: which account of the wallet is which month's follows from it."""
    return {"first_month": str(month_of(now)), **answers}
