"""Names the records to Django. Nothing happens here."""

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """The application `records`."""

    name = "tyst.records"
    label = "records"
