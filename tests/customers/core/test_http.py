"""The HTTP kit of both APIs. What it does over HTTP is tested in the tests of each API."""

import pytest

from customers.core.http import json_response, rate_limit
from customers.core.http.body_limits import InvalidContentLength, LengthRequired, content_length
from customers.core.http.idempotency_key import fingerprint

pytestmark = pytest.mark.once


class TestFingerprint:
    def test_fingerprint_is_keyed_by_the_secret_key(self, settings):
        before = fingerprint("/path", b"body")

        settings.SECRET_KEY = "another secret key" * 3

        assert fingerprint("/path", b"body") != before

    def test_fingerprint_depends_on_path_and_body(self):
        fingerprints = {fingerprint(path, body) for path in ("/a", "/b") for body in (b"", b"a")}

        assert len(fingerprints) == 4


class TestContentLength:
    @pytest.mark.parametrize(
        ("given", "length"), [({}, 0), ({"CONTENT_LENGTH": ""}, 0), ({"CONTENT_LENGTH": "10"}, 10)]
    )
    def test_content_length_is_read(self, given, length):
        assert content_length(given) == length

    @pytest.mark.parametrize(
        ("meta", "error"),
        [
            ({"HTTP_TRANSFER_ENCODING": "chunked"}, LengthRequired),
            ({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": "1"}, LengthRequired),
            ({"CONTENT_LENGTH": "-1"}, InvalidContentLength),
            ({"CONTENT_LENGTH": "x"}, InvalidContentLength),
            ({"CONTENT_LENGTH": "٣"}, InvalidContentLength),
        ],
    )
    def test_content_length_missing_or_invalid_is_rejected(self, meta, error):
        with pytest.raises(error):
            content_length(meta)


def test_rate_limit_of_zero_counts_nothing(settings):
    settings.RATE_LIMIT = 0

    assert rate_limit.count_request(1, None) is None
    assert rate_limit.count_request(1, 0) is None


def test_to_json_writes_unpaired_surrogates_as_escapes():
    assert json_response.to_json({"a": "\ud800"}) == b'{"a":"\\ud800"}'
