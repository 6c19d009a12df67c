"""Two-factor sign-in: TOTP (RFC 6238) with an authenticator app, and recovery codes for when the app is lost.

Failures are not counted here: the callers count them as the lockout counts wrong passwords.
"""

import secrets
import time
from base64 import b32decode, b32encode
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.models import Group
from django.db import models, transaction
from django_otp.oath import TOTP

from oauth.accounts.models import TwoFactor, TwoFactorRequirement
from oauth.accounts.roles import Role
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.encryption import UnreadableSecret
from oauth.fields import digest

KEY_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters that people don't confuse with one another
RECOVERY_LENGTH = 16  # 80 bits: too many to find a code by its digest
TOLERANCE = 1  # how many steps of 30 seconds the clock of the device may be ahead or behind


def is_on(user: Any) -> bool:
    return TwoFactor.objects.filter(user=user, is_on=True).exists()


def is_required(user: Any) -> bool:
    """Whether a role of this member of staff requires it. A superuser is an owner, too."""
    of_roles = models.Q(group__user=user)
    if user.is_superuser:
        of_roles |= models.Q(group__name=Role.OWNER)
    return user.is_staff and TwoFactorRequirement.objects.filter(of_roles).exists()


def must_be_set_up(user: Any) -> bool:
    """Whether it is required and not on. Until then the person may do nothing else."""
    return is_required(user) and not is_on(user)


def roles_that_require() -> list[str]:
    return sorted(TwoFactorRequirement.objects.values_list("group__name", flat=True))


@transaction.atomic
def require_of(roles: Iterable[str], by: Actor) -> list[str]:
    """Makes these roles, and no others, require it. Returns those that did not require it before."""
    before, now = roles_that_require(), sorted(roles)
    if now == before:
        return []
    TwoFactorRequirement.objects.exclude(group__name__in=now).delete()
    added = Group.objects.filter(name__in=now, two_factor_requirement=None)
    TwoFactorRequirement.objects.bulk_create([TwoFactorRequirement(group=group) for group in added])
    record(Event.STAFF_CHANGED, by, two_factor_required=[before, now])
    return [role for role in now if role not in before]


def begin(user: Any) -> None:
    """Creates a key, which `confirm` switches on. Does nothing where two-factor sign-in is on already."""
    key = b32encode(secrets.token_bytes(KEY_BYTES)).decode()
    new = {"key": key, "last_step": -1}
    if not TwoFactor.objects.filter(user=user, is_on=False).update(**new):
        TwoFactor.objects.get_or_create(user=user, defaults=new)


def unconfirmed_key(user: Any) -> str | None:
    """The key of `begin`, in base 32. None if it is missing or can't be decrypted."""
    begun = TwoFactor.objects.filter(user=user, is_on=False).first()
    return _key(begun) if begun else None


def provisioning_uri(user: Any, key: str, issuer: str) -> str:
    """The content of the QR code that sets up an authenticator app."""
    label = quote(f"{issuer}:{user.email}")
    return f"otpauth://totp/{label}?{urlencode({'secret': key, 'issuer': issuer}, quote_via=quote)}"


@transaction.atomic
def confirm(user: Any, code: str, by: Actor) -> list[str] | None:
    """Switches two-factor sign-in on if the code is right. Returns the recovery codes, which can't be read again.

    Returns None where the code is wrong.
    """
    begun = TwoFactor.objects.select_for_update().filter(user=user, is_on=False).first()
    if begun is None or not _accept(begun, code):
        return None
    codes = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    begun.recovery_digests = [digest(code) for code in codes]
    begun.is_on = True
    begun.save()
    record(Event.TWO_FACTOR_ON, by, account=user.email)
    return codes


@transaction.atomic
def switch_off(user: Any, by: Actor) -> None:
    deleted, _ = TwoFactor.objects.filter(user=user).delete()
    if deleted:
        record(Event.TWO_FACTOR_OFF, by, account=user.email)


@transaction.atomic
def verify(user: Any, code: str) -> bool:
    """Whether this is the app's present code or a recovery code. Each code is accepted only once."""
    two_factor = TwoFactor.objects.select_for_update().filter(user=user, is_on=True).first()
    if two_factor is None:
        return False
    code = "".join(code.split()).replace("-", "").lower()
    if code.isdecimal() and len(code) == 6:
        is_right = _accept(two_factor, code)
    else:
        is_right = digest(code) in two_factor.recovery_digests
        two_factor.recovery_digests = [other for other in two_factor.recovery_digests if other != digest(code)]
    if is_right:
        two_factor.save()
    return is_right


def _accept(two_factor: TwoFactor, code: str) -> bool:
    """Whether the code is right. Sets `last_step`, for the caller to save, so that it is not accepted again."""
    code = "".join(code.split())
    key = _key(two_factor)
    if key is None or not (code.isascii() and code.isdecimal() and len(code) == 6):
        return False
    totp = TOTP(b32decode(key))
    totp.time = time.time()
    if not totp.verify(int(code), TOLERANCE, two_factor.last_step + 1):
        return False
    two_factor.last_step = totp.t()
    return True


def _key(two_factor: TwoFactor) -> str | None:
    try:
        return two_factor.key
    except UnreadableSecret:
        return None
