"""What the records say when they refuse: sentences without a value in them, the same for both engines."""


class RecordsError(Exception):
    """The records can't be opened. Says what to do, never what is in them."""


class ConflictError(RecordsError):
    """Something stands against this change: a name that is taken, a row that another one needs. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the records refuse this: something of that name is there, or is still needed")
