"""The codes of an authenticator app."""

import time
from base64 import b32decode

from django_otp.oath import TOTP


def code_of(key: str, steps: int = 0) -> str:
    """What the app shows, now or some steps of 30 seconds later."""
    totp = TOTP(b32decode(key))
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06}"


def wrong_code(key: str) -> str:
    right = {code_of(key, steps) for steps in range(-3, 4)}
    return next(code for code in ("000000", *map(str, range(100_000, 100_010))) if code not in right)
