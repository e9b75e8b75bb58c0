"""Plain SMTP, for operators who run or rent a mail server. Bounces come back to the sender's address as letters."""
