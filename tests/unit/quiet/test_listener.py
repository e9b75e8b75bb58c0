"""Who may ask for figures, judged by the head of the question; where they may be shown at all."""

import pytest

from tyst.quiet.listener import MetricsError, judged, where


@pytest.mark.parametrize("text", ["127.0.0.1:9464", "127.9.9.9:0", "[::1]:9464"])
def test_loopback_is_taken(text: str) -> None:
    host, port = where(text)
    assert port == int(text.rpartition(":")[2]) and host in text


@pytest.mark.parametrize(
    "text", ["0.0.0.0:9464", ":9464", "[::]:9464", "192.0.2.1:9464", "10.0.0.1:9464", "localhost:9464", "127.0.0.1",
             "127.0.0.1:65536", "127.0.0.1:x", "[::ffff:192.0.2.1]:1"],
)  # fmt: skip
def test_no_other_address_is(text: str) -> None:
    with pytest.raises(MetricsError, match="loopback only"):
        where(text)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9464\r\n\r\n", "200 OK"),
        ("GET /metrics HTTP/1.0\r\n\r\n", "200 OK"),
        ("GET /metrics?x=1 HTTP/1.1\r\nhost: [::1]:9464\r\n\r\n", "200 OK"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 OK"),
        ("GET /metrics HTTP/1.1\r\nHost: evil.test\r\n\r\n", "403 Forbidden"),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.evil.test\r\n\r\n", "403 Forbidden"),
        ("GET /metrics HTTP/1.1\r\nHost: [::1].evil.test\r\n\r\n", "403 Forbidden"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.test\r\n\r\n", "403 Forbidden"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        ("GET /metrics/../x HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        ("\r\n\r\n", "400 Bad Request"),
        ("GET /metrics\r\n\r\n", "400 Bad Request"),
        ("\x16\x03\x01", "400 Bad Request"),
        ("", "400 Bad Request"),
    ],
)
def test_a_question_is_judged_by_its_head(head: str, status: str) -> None:
    assert judged(head.encode("latin-1")) == status
