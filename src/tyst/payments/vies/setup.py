"""What the operator is asked before VIES is asked."""

from tyst.payments.provider import Question

QUESTIONS = (Question("ask", "Have each company's VAT number looked up at the European Commission? (yes or no)"),)
AFTERWARDS = "Numbers are looked up from the next start of the site on. VIES needs no account."
