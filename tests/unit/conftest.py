"""For all unit tests of one process: Django is set up as the site does it, before anything else could."""

from tests.unit.django_once import database_path

database_path()
