"""A printed voucher's QR code in a browser: the code reaches the form and no server, and is gone from the address."""

from tests.site.conftest import Open


def test_a_scanned_voucher_is_in_the_form_and_in_no_request(visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-scans")
    code = alice.world.voucher()
    alice.to(f"/en/account/voucher#{code}")
    assert alice.page.input_value("#code") == code
    assert alice.page.url.endswith("/en/account/voucher")
    assert not any(code in text for request in alice.asked for text in request)
    alice.send()
    alice.page.wait_for_selector("#subscription")


def test_a_voucher_in_a_query_would_have_been_sent(visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-queries")
    code = alice.world.voucher()
    alice.to(f"/en/account/voucher?code={code}")
    assert any(code in text for request in alice.asked for text in request)


def test_what_is_no_voucher_is_not_taken_from_an_address(visit: Open) -> None:
    alice = visit()
    alice.sign_up("alice-follows-mallory")
    alice.to("/en/account/voucher#<script>")
    assert alice.page.input_value("#code") == ""
