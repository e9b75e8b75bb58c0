"""Our letters, each a function: what it says, to whom, in the reader's language. Plain text, nothing remote in it.

A `Writer` knows where the site is and holds no account; it is asked for one letter at a time. What a letter is made of
it holds alone: no name, day or link stays here. The newsletter's own text is the operator's.
"""

from dataclasses import dataclass
from datetime import date

from tyst.core.receipt import Receipt
from tyst.mail import receipts
from tyst.mail.letter import HOUR, Attachment, Letter
from tyst.mail.receipts import Issuer
from tyst.mail.words import day_in, words, wrapped

KINDS = (
    "receipt",
    "renewal",
    "renewal_today",
    "reset",
    "confirm_newsletter",
    "confirm_address",
    "address_changed",
    "hint",
    "newsletter",
)
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a letter is for. `to` may be empty: the letter is then written and thrown away."""

    to: str
    username: str
    language: str

    def __repr__(self) -> str:
        return "<reader>"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes letters. `site`: where customers reach it, as https://tyst.example, without a slash at the end."""

    site: str

    def receipt(self, to: str, receipt: Receipt, issuer: Issuer) -> Letter:
        """The receipt, as text and PDF."""
        refunds = self._page(receipt.language, "refund")
        text = receipts.as_text(receipt, issuer, refunds)
        name = f"tyst-{receipt.number.replace(' ', '').lower()}.pdf"
        file = Attachment(name, receipts.as_pdf(receipt, issuer, refunds))
        reader = Reader(to, receipt.username, receipt.language)
        return self._letter("receipt", reader, {}, lives=2 * DAY, below=text, attachment=file)

    def renewal(self, reader: Reader, day: date, today: date) -> Letter:
        """The subscription ends at the end of `day` (UTC): later, or today."""
        values = {"day": day_in(reader.language, day), "link": self._page(reader.language, "account")}
        return self._letter("renewal" if day > today else "renewal_today", reader, values, lives=12 * HOUR)

    def reset(self, reader: Reader, token: str) -> Letter:
        """A link to a new password. It is dead after an hour, and so is the letter."""
        return self._letter("reset", reader, {"link": self._page(reader.language, f"reset/{token}")}, lives=HOUR)

    def confirm_newsletter(self, reader: Reader, token: str) -> Letter:
        """Asks whether this reader wants the newsletter."""
        return self._confirm("confirm_newsletter", reader, token)

    def confirm_address(self, reader: Reader, token: str) -> Letter:
        """Asks whether this address is the account's."""
        return self._confirm("confirm_address", reader, token)

    def address_changed(self, reader: Reader) -> Letter:
        """Tells the old address that it was replaced."""
        values = {"link": self._page(reader.language, "signin")}
        return self._letter("address_changed", reader, values)

    def hint(self, reader: Reader) -> Letter:
        """The one letter to an account that never connected."""
        return self._letter("hint", reader, {"link": self._page(reader.language, "account/wireguard")})

    def newsletter(self, reader: Reader, subject: str, text: str, token: str) -> Letter:
        """A newsletter, with its end in reach: a line below, and the header of RFC 8058."""
        frame = words(reader.language)["frame"]
        stop = frame["stop"].format(stop=self._page(reader.language, f"unsubscribe/{token}"))
        body = "\n\n".join([text.strip(), stop, "-- \n" + frame["foot"].format(site=self.site), ""])
        one_click = f"{self.site}/unsubscribe/{token}"
        return Letter("newsletter", reader.to, subject, body, unsubscribe=one_click, lives=DAY)

    def _confirm(self, kind: str, reader: Reader, token: str) -> Letter:
        return self._letter(kind, reader, {"link": self._page(reader.language, f"confirm/{token}")}, lives=DAY)

    def _page(self, language: str, path: str) -> str:
        return f"{self.site}/{language}/{path}"

    def _letter(
        self,
        kind: str,
        reader: Reader,
        values: dict[str, str],
        *,
        lives: int = 6 * HOUR,
        below: str = "",
        attachment: Attachment | None = None,
    ) -> Letter:
        text, frame = words(reader.language)[kind], words(reader.language)["frame"]
        values = {"username": reader.username, **values}
        parts = [wrapped(text["text"].format(**values)), below, "-- \n" + wrapped(frame["foot"].format(site=self.site))]
        body = "\n\n".join(part for part in parts if part) + "\n"
        return Letter(kind, reader.to, text["subject"].format(**values), body, attachment, lives=lives)
