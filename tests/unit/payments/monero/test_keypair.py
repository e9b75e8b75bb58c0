"""A view key that doesn't belong to the address would let customers pay and never be seen."""

import pytest

from tyst.lab.shop.regtest import ADDRESS, VIEW_KEY
from tyst.payments.monero.keypair import belongs, view_of

OTHER = "428tyr7NjBrQJUv9pF2NNV1gM4Gdjc1tTJh8c5p3BueN2h6eiWi5pzYaNnDqgVYZERM2HFCyk4HrR9fR9JBG3dM73W5dPsA"
OTHER_KEY = "f3ad9fc15a4def35f1792c08ce01f4cb3db6b44ee4a4616e471a2cbb89c48a06"


def test_a_wallets_own_keys_belong_together() -> None:
    assert belongs(VIEW_KEY, ADDRESS) and belongs(OTHER_KEY, OTHER)


def test_another_wallets_key_does_not() -> None:
    assert not belongs(OTHER_KEY, ADDRESS) and not belongs(VIEW_KEY, OTHER)


@pytest.mark.parametrize("key", ["", "00" * 32, "ff" * 32, VIEW_KEY[:-1], VIEW_KEY.upper(), VIEW_KEY[:-1] + "g"])
def test_what_is_no_key_does_not(key: str) -> None:
    assert not belongs(key, ADDRESS)


@pytest.mark.parametrize("address", ["", ADDRESS[:-1], ADDRESS + "1", "z" * 95, ADDRESS.replace("4", "0"), "å" * 95])
def test_what_is_no_address_has_no_key(address: str) -> None:
    assert not belongs(VIEW_KEY, address)
    assert view_of(ADDRESS) != view_of(address)
