"""The letters that a day brings: reminders before a subscription ends, and the one hint to who never connected.

Who gets one follows from the day alone: an account's subscription ends on one day, and it was made on one day. Each day
is done once (`book.py`), so nobody gets the same letter twice, and no list of letters is needed. Days that were missed
are made up, but nobody is told twice in one go, and nobody of an end that is past.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from tyst.mail import letters
from tyst.mail.letters import Writer
from tyst.mail.outbox import Outbox
from tyst.records import readers

BEFORE = (0, 3, 14)
"""Days before the end on which a reminder goes out, the most urgent first."""
HINT_AFTER = 7
"""Days after an account was made on which it may get the hint."""


def reminders(days: Sequence[date], today: date, writer: Writer, outbox: Outbox) -> int:
    """Sends the reminders of these days; how many. `today`: the real day."""
    count, ends = 0, {day + timedelta(days=before) for day in days for before in BEFORE}
    for end in sorted(ends):
        if end < today:
            continue
        for reader in readers.ending_on(end):
            outbox.post(writer.renewal(_reader(reader), end, today))
            count += 1
    return count


def hints(days: Sequence[date], writer: Writer, outbox: Outbox) -> int:
    """Sends the hint to accounts made a week before these days that never connected; how many."""
    count = 0
    for day in days:
        for reader in readers.silent_since(day - timedelta(days=HINT_AFTER)):
            outbox.post(writer.hint(_reader(reader)))
            count += 1
    return count


def _reader(one: readers.Reader) -> letters.Reader:
    return letters.Reader(one.email, one.username, one.language)
