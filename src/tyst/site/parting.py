"""An account's end, at once and everywhere: row, address, devices, mandates, letters, lists; and its name rests.

One function for every page that deletes. What can't be reached just now is said, and never keeps an account alive
against its owner's will. The name is stored nowhere afterwards: its keyed hash rests for 90 days with a day beside it
(`records.undone`), so that nobody steps into it. Counterparts: `pages/leaving.py` asks, `holdings.py` knows who holds
what, `records.erase` writes; `proof.erase_check` looks whether anything is left.
"""

from datetime import UTC, date

from tyst.core.owner import OWNER
from tyst.payments.provider import PaymentError
from tyst.records import accounts, erase, undone
from tyst.records.models import Account
from tyst.site import copies, holdings
from tyst.site.gate_client import GateError
from tyst.site.services import Services


def today(services: Services) -> date:
    """The UTC day."""
    return services.now().astimezone(UTC).date()


def is_free(services: Services, username: str) -> bool:
    """Whether a name may be taken: nobody has it, and it doesn't rest."""
    if accounts.by_username(username) is not None:
        return False
    journal = undone.current()
    return not journal.taken(journal.name(username), today(services))


def mandates_end(services: Services, account: Account) -> bool:
    """Cancels whatever could charge this account again; False when a processor can't be reached just now."""
    name = holdings.mandate(services, account)
    try:
        for provider in services.shop.renewing:
            provider.stop(name)
    except PaymentError:
        return False
    return True


def drop(services: Services, account: Account, *, leaving: bool = False) -> None:
    """Frees the slots at once where the gate can be reached; nodes end the tunnels at their next renewal anyway."""
    try:
        services.gate.drop(copies.session_of(services, account), leaving=leaving)
    except GateError:
        return


def part(services: Services, account: Account) -> bool:
    """Deletes the account and what hangs on it. Whether every mail service took her address off its own list.

    Mandates come first, by `mandates_end`: whether to go on without is her decision.
    """
    drop(services, account, leaving=True)
    for reference in holdings.orders(services, account):
        services.shop.till.drop(reference)
    erase.delete_account(account.handle, services.keys.secrets[OWNER], services.now())
    return forget_address(services, account.email) if account.email else True


def forget_address(services: Services, email: str) -> bool:
    """Letters that wait for an address, its count, and the mail services' own lists. False when one wasn't reached."""
    services.outbox.forget(email)
    services.bounces.forget(email)
    return services.outbox.unlist(email)
