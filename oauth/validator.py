"""The store's policy within the protocol. The protocol itself is oauthlib's and django-oauth-toolkit's."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

from django.utils import timezone
from oauth2_provider.models import set_token_value
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.fields import digest
from oauth.models import AccessToken, App, Grant, RefreshToken
from oauth.scopes import Scope
from oauth.tokens import authenticate, store_access_token

S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
# Without what no exchange needs, such as most columns of a person: a statement takes as long as it has columns.
CODES = Grant.objects.select_related("user").only(
    "application",
    "expires",
    "redirect_uri",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "token_family",
    "user__email",
    "user__is_active",
    "user__is_staff",
)


class Validator(OAuth2Validator):
    """Runs inside the transaction of a request to the token endpoint.

    Requests with codes and refresh tokens of one app take turns: each locks the app first, as does whatever revokes the
    app's tokens. The second one sees what the first one did.
    """

    def is_pkce_required(self, client_id, request):
        """Public clients need PKCE. Confidential ones authenticate, and the platform's documented flow has no PKCE.

        Raises InvalidRequestError for a challenge that is not of method S256 (RFC 9700, 2.1.1).
        """
        challenge = request.code_challenge
        if challenge and (request.code_challenge_method != "S256" or not S256_CHALLENGE.fullmatch(challenge)):
            raise errors.InvalidRequestError("code_challenge_method has to be S256.", request=request)
        return not request.client.is_confidential

    def validate_scopes(self, client_id, scopes, client, request, *args, **kwargs):
        """Raises InvalidScopeError that names the first scope that is not known, or that the app may not ask for."""
        if refused := next((scope for scope in scopes if scope not in client.requestable_scopes), None):
            # RFC 6749, 4.1.2.1: the description is printable ASCII, without quotes and backslashes.
            name = re.sub(r"[^ !#-\[\]-~]", "?", refused[:100])
            reason = "The app may not ask for the scope" if refused in set(Scope) else "Unknown scope:"
            raise errors.InvalidScopeError(f"{reason} {name}", state=request.state, request=request)
        return True

    def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
        """Raises UnsupportedGrantTypeError, also for `openid`, which oauthlib takes for a code."""
        if grant_type not in ("authorization_code", "refresh_token"):
            raise errors.UnsupportedGrantTypeError(request=request)
        return super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs)

    def save_authorization_code(self, client_id, code, request, *args, **kwargs):
        if not request.code_challenge:
            request.code_challenge_method = None  # the toolkit would check and store a method without a challenge
        super().save_authorization_code(client_id, code, request, *args, **kwargs)
        if not request.redirect_uri_was_sent:
            Grant.objects.filter(code=code["code"]).update(redirect_uri="")

    def validate_code(self, client_id, code, client, request, *args, **kwargs):
        lock_app(client)
        grant = next(iter(CODES.filter(code=code, application=client)), None)
        if grant is None:
            return False
        if grant.token_family:
            # RFC 6749, 4.1.2: one of the two who sent the code has stolen it.
            self._record_reuse(Event.CODE_REUSED, grant, request)
            RefreshToken.revoke_family(grant.token_family)
            return False
        if request.code_verifier and not grant.code_challenge:
            return False  # the challenge was removed on the way (RFC 9700, 2.1.1)
        # Not by the toolkit, which would read the code and the user again.
        request.grant, request.user = grant, grant.user
        request.scopes = [scope for scope in grant.scope.split() if scope in client.requestable_scopes]
        return not grant.is_expired() and is_active_staff(grant.user)

    def get_code_challenge(self, code, request):
        return request.grant.code_challenge or None

    def get_code_challenge_method(self, code, request):
        return request.grant.code_challenge_method or None

    def confirm_redirect_uri(self, client_id, code, redirect_uri, client, request, *args, **kwargs):
        """The URI has to be that of the authorization request, and sent again if it was sent there (RFC 6749, 4.1.3).

        Raises InvalidGrantError.
        """
        expected = request.grant.redirect_uri or client.default_redirect_uri
        was_left_out = request.grant.redirect_uri and request.using_default_redirect_uri
        if was_left_out or redirect_uri != expected:
            raise errors.InvalidGrantError("redirect_uri is not the one of the code.", request=request)
        return True

    def invalidate_authorization_code(self, client_id, code, request, *args, **kwargs):
        """Marks the code as used. It is kept until it expires, so that a second use is noticed."""
        Grant.objects.filter(pk=request.grant.pk).update(token_family=request.token_family)

    def validate_refresh_token(self, refresh_token, client, request, *args, **kwargs):
        lock_app(client)
        token = RefreshToken.objects.select_related("user").filter(
            token_checksum=digest(refresh_token), application=client
        )
        if not (former := token.first()):
            return False
        if former.revoked:
            self._record_reuse(Event.REFRESH_TOKEN_REUSED, former, request)
        # Checks the expiry, and revokes the whole family of a token that was used before (RFC 9700, 4.14.2).
        is_valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return is_valid and is_active_staff(former.user)

    def _record_reuse(self, event, used, request):
        """Records a reuse that ends a family of tokens. Later ones end nothing, and would fill the log."""
        if RefreshToken.objects.filter(token_family=used.token_family, revoked=None).exists():
            record(event, Actor(email=used.user.email or "", ip=client_ip(request.headers)), request.client)

    def save_bearer_token(self, token, request, *args, **kwargs):
        if request.grant_type == "authorization_code":
            request.token_family = store_tokens(token, request)  # for invalidate_authorization_code, which runs next
        else:
            super().save_bearer_token(token, request, *args, **kwargs)
        by = Actor(email=request.user.email or "", ip=client_ip(request.headers))
        record(Event.TOKEN_ISSUED, by, request.client, scopes=token["scope"].split(), grant=request.grant_type)

    def revoke_token(self, token, token_type_hint, request, *args, **kwargs):
        """RFC 7009: an access token is revoked with its refresh token, and the other way round."""
        lock_app(request.client)
        of_app = AccessToken.objects.filter(application=request.client)
        before = of_app.count()
        super().revoke_token(token, token_type_hint, request, *args, **kwargs)
        if revoked := before - of_app.count():
            record(Event.TOKEN_REVOKED, Actor(ip=client_ip(request.headers)), request.client, tokens=revoked)

    def introspect_token(self, token, token_type_hint, request, *args, **kwargs):
        """What is known of an access token of the app itself. None for any other token, and for a public client."""
        bearer = authenticate(token)
        if bearer is None or bearer.app_id != request.client.pk or not request.client.is_confidential:
            return None
        access_token = AccessToken.objects.select_related("user").filter(pk=bearer.token_id).first()
        return access_token and {
            "scope": " ".join(sorted(bearer.scopes)),
            "client_id": request.client.client_id,
            "username": access_token.user.email,
            "token_type": "Bearer",
            "exp": int(access_token.expires.timestamp()),
            "iat": int(access_token.created.timestamp()),
            "sub": str(access_token.user_id),
        }


def store_tokens(token, request) -> UUID:
    """Stores the tokens that a code is exchanged for, and returns their new family.

    The toolkit, which stores those of a refresh, would take a savepoint and read the code again.
    """
    expires = timezone.now() + timedelta(seconds=token["expires_in"])
    access_token = store_access_token(
        token["access_token"], app=request.client, user=request.user, scope=token["scope"], expires=expires
    )
    refresh_token = RefreshToken(
        user=request.user, application=request.client, access_token=access_token, token_family=uuid4()
    )
    set_token_value(refresh_token, token["refresh_token"])
    refresh_token.save()
    return refresh_token.token_family


def is_active_staff(user) -> bool:
    """Whether the user may grant an app access. What they granted ends when they may no longer."""
    return user.is_active and user.is_staff


def lock_app(app: App) -> None:
    """Locks the app until the end of the transaction, and reads again what it may ask for.

    Raises InvalidClientError where it was deleted or switched off.
    """
    rows = App.objects.select_for_update(no_key=True).filter(pk=app.pk, is_active=True)
    if not (found := list(rows.values_list("allowed_scopes", flat=True))):
        raise errors.InvalidClientError
    (app.allowed_scopes,) = found
