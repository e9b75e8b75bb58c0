"""Tension 31: a number that counts up, or an id with a time in it, tells who came when. There are none."""

import re

from tests.named import ROOT
from tests.unit.site.conftest import Site

TIMED = re.compile(r"\buuid[167]\b|\b(?:ulid|ULID)\b|AUTOINCREMENT|\b(?:BIG)?SERIAL\b|AutoField\(")


def test_no_table_of_ours_has_a_number_that_counts_up(site: Site) -> None:
    from django.apps import apps
    from django.db.models import AutoField

    models = list(apps.get_app_config("records").get_models())
    assert models
    assert [model.__name__ for model in models for field in model._meta.fields if isinstance(field, AutoField)] == []


def test_no_line_of_the_product_makes_an_id_with_a_time_in_it() -> None:
    folder = ROOT / "src/tyst"
    assert [
        str(path) for path in folder.rglob("*.py") if TIMED.search(path.read_text()) and "lab" not in path.parts
    ] == []


def test_that_search_would_find_one() -> None:
    for line in (
        "key = uuid.uuid1()",
        "id = models.BigAutoField(primary_key=True)",
        "id integer PRIMARY KEY AUTOINCREMENT",
    ):
        assert TIMED.search(line), line


def test_keys_of_accounts_tell_nothing_of_when_they_were_made(site: Site) -> None:
    from tyst.records.models import Account

    order = [f"person-{number}" for number in range(12)]
    for name in order:
        assert site.person().sign_up(name).status == 200
    handles = {one.username: bytes(one.handle) for one in Account.objects.all()}
    assert len({handle[:2] for handle in handles.values()}) > 6, "handles begin alike"
    lying = [one.username for one in Account.objects.all()]
    assert sorted(lying) == sorted(order)
    assert lying == sorted(lying, key=lambda name: handles[name]), "rows lie by their keys and by nothing else"
