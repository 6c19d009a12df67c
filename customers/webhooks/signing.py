"""The signature of a webhook request: the platform's header, over the bytes of the body."""

import hashlib
import hmac

SIGNATURE_HEADER = "X-29Next-Signature"


def sign(body: bytes, secret_key: str) -> str:
    """HMAC-SHA256 in hexadecimal digits."""
    return hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()
