"""Every refusal's sentence, for the person who must act: what happened, and what to do. One code, one sentence.

The codes go into JSON answers and tests, the sentences onto pages, in the reader's language. None of them repeats what
was typed.
"""

from django.utils.translation import gettext_lazy as _

from tyst.core.account import Fault

USERNAME_TAKEN = "username-taken"
COUNTRY_MISSING = "country-missing"
LOGIN_WRONG = "login-wrong"
PASSWORD_WRONG = "password-wrong"  # noqa: S105 - a code, not a password
RECOVERY_WRONG = "recovery-wrong"
TOO_MANY = "too-many"
VOUCHER_MISTYPED = "voucher-mistyped"
VOUCHER_GONE = "voucher-gone"
KEY_MALFORMED = "key-malformed"
PRESHARED_MALFORMED = "preshared-malformed"
KEY_TAKEN = "key-taken"
KEY_UNKNOWN = "key-unknown"
KEYS_TOO_MANY = "keys-too-many"
PROOF_WRONG = "proof-wrong"
CHALLENGE_OLD = "challenge-old"
EXPIRED = "account-expired"
NEWSLETTER_NEEDS_EMAIL = "newsletter-needs-email"
NEWSLETTER_NO_MAIL = "newsletter-no-mail"
SETTING_UNKNOWN = "setting-unknown"
GATE_AWAY = "gate-unreachable"
IPV4_NEEDED = "ipv4-needed"
IPV4_NONE_FREE = "ipv4-none-free"
CHANGES_TOO_MANY = "changes-too-many"
NO_PAIR = "no-pair"
NOT_SOLD = "not-sold"
CURRENCY_UNKNOWN = "currency-unknown"
COUNTRY_DIFFERS = "country-differs"
VAT_ID_WRONG = "vat-id-wrong"
METHOD_MISSING = "method-missing"
PROCESSOR_AWAY = "processor-away"
TOO_OFTEN = "too-often"
CARD_DECLINED = "card-declined"
CARD_UNCERTAIN = "card-uncertain"
REFUND_GONE = "refund-gone"
REFUND_AGAIN = "refund-again"
REFUND_LATER = "refund-later"
MANDATE_AWAY = "mandate-away"
PAYMENT_OPEN = "payment-open"
MANDATE_LEFT = "mandate-left"

SENTENCES = {
    Fault.USERNAME_FORM: _("A username has 3 to 32 letters, digits, dots, hyphens or underscores."),
    Fault.USERNAME_RESERVED: _("A username can't begin with “vpn”: our VPN credentials do."),
    Fault.PASSWORD_SHORT: _("This password is too short. Use at least 8 characters; 15 or more are better."),
    Fault.PASSWORD_LONG: _("This password is too long. Use at most 256 characters."),
    Fault.PASSWORD_COMMON: _("This password is on every list of common passwords. Choose one that is only yours."),
    Fault.PASSWORD_IS_NAME: _("The password must not be your username."),
    Fault.EMAIL_FORM: _("This doesn't look like an e-mail address. Leave it empty if you don't want to give one."),
    USERNAME_TAKEN: _("Somebody has this username already. Choose another."),
    COUNTRY_MISSING: _("Choose the country you live in: it decides the VAT."),
    LOGIN_WRONG: _("Username and password don't belong together. Check both; capitals count in the password."),
    PASSWORD_WRONG: _("This isn't your current password."),
    RECOVERY_WRONG: _("This recovery code opens nothing: a character is wrong, or a newer code has replaced it."),
    TOO_MANY: _("Too many tries from your network. Wait ten minutes, then try again."),
    VOUCHER_MISTYPED: _("This voucher is mistyped: a voucher has 18 characters, and these don't fit together."),
    VOUCHER_GONE: _("This voucher is used up, or was never issued."),
    PRESHARED_MALFORMED: _("This is no preshared key: one has 44 characters and ends in “=”. `wg genpsk` makes one."),
    KEY_MALFORMED: _("This is no WireGuard public key: one has 44 characters and ends in “=”."),
    KEY_TAKEN: _("This key is registered already. Make a new one, or revoke this one first."),
    KEY_UNKNOWN: _("This key isn't registered, so there is nothing to revoke."),
    KEYS_TOO_MANY: _("You have registered 16 keys today. Go on tomorrow."),
    PROOF_WRONG: _("The proof doesn't fit: it must be made with this key's private half and this page's challenge."),
    CHALLENGE_OLD: _("This page's challenge is older than ten minutes. Reload the page and try again."),
    EXPIRED: _("Your subscription has ended, so a config would lead nowhere. Redeem a voucher first."),
    NEWSLETTER_NEEDS_EMAIL: _("The newsletter needs an e-mail address."),
    NEWSLETTER_NO_MAIL: _("This provider sends no mail, so there is no newsletter."),
    SETTING_UNKNOWN: _("One of these settings has a value that we don't offer."),
    GATE_AWAY: _("The gate can't be reached just now, so nothing was disconnected. Try again in a minute."),
    IPV4_NEEDED: _("Public IPv4 is an add-on, and your account has none now. Redeem a voucher for it first."),
    IPV4_NONE_FREE: _("This server has no address to give just now. Choose another, or try again in a few days."),
    CHANGES_TOO_MANY: _("You have changed this often. Wait ten minutes, then try again."),
    NO_PAIR: _("Choose two different servers that are up: entry and exit can't be one."),
    NOT_SOLD: _("This isn't sold (any more). Choose one of the terms."),
    CURRENCY_UNKNOWN: _("There are no prices in this currency. Choose one of the list."),
    COUNTRY_DIFFERS: _("Your connection comes from another country. If you do live in the one above, say so here."),
    VAT_ID_WRONG: _(
        "This is no VAT number of that country: a digit is wrong, or the country is. Private? Leave it empty."
    ),
    METHOD_MISSING: _("Choose how to pay."),
    PROCESSOR_AWAY: _(
        "This payment service can't be reached just now. Nothing was charged. Choose another, or try later."
    ),
    TOO_OFTEN: _("That was often in a short time. Wait a few minutes, then try again."),
    CARD_DECLINED: _("Your bank declined this card. Nothing was charged. Try another card."),
    CARD_UNCERTAIN: _(
        "The card service didn't answer. Look at “My payment” below before you try again: it may have worked."
    ),
    REFUND_GONE: _("This code opens nothing: a character is wrong, its ten days are over, or it is another account's."),
    REFUND_AGAIN: _("This purchase was paid back already."),
    REFUND_LATER: _("The payment service can't pay back just now. Nothing was changed. Try again in an hour."),
    MANDATE_AWAY: _("The card service can't be reached just now, so we can't say or change anything. Try again soon."),
    PAYMENT_OPEN: _(
        "A payment of yours is open. Wait until it is settled or over, half an hour at most, and try again."
    ),
    MANDATE_LEFT: _(
        "Your card's automatic renewal can't be ended just now. Try again soon, or delete the account anyway."
    ),
}
