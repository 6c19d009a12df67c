"""The store's policy within the protocol, which is oauthlib's and the toolkit's."""

import re
import uuid
from datetime import timedelta

from django.utils import timezone
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import SettingsScopes
from oauth2_provider.settings import oauth2_settings
from oauthlib.oauth2.rfc6749 import errors

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.fields import digest
from oauth.models import AccessToken, App, Grant, RefreshToken
from oauth.tokens import find, store_access_token

S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class AllowedScopes(SettingsScopes):
    """Every scope there is; to one app, those it may ask for."""

    def get_available_scopes(self, application=None, request=None, *args, **kwargs):
        return super().get_available_scopes() if application is None else application.allowed_scopes


class Validator(OAuth2Validator):
    """Runs inside the transaction of a request to the token endpoint.

    Requests with codes and refresh tokens of one app take turns: each locks the app first, and so does whatever revokes
    its tokens. Whoever comes second sees what the first one did.
    """

    def _load_application(self, client_id, request):
        # PostgreSQL takes no NUL; what psycopg 3 raises for one is not what the toolkit catches.
        return None if "\0" in (client_id or "") else super()._load_application(client_id, request)

    def authenticate_client(self, request, *args, **kwargs):
        """By the header where there is one, else by the body: one way a request (RFC 6749, 2.3)."""
        if credentials := self._extract_basic_auth(request):
            return credentials.isascii() and self._authenticate_basic_auth(request)
        return self._authenticate_request_body(request)

    def is_pkce_required(self, client_id, request):
        """Of public clients. Confidential ones prove who they are, and the platform's documented flow has no PKCE.

        Raises InvalidRequestError for a challenge that is not S256's (RFC 9700, 2.1.1).
        """
        challenge = request.code_challenge
        if challenge and (request.code_challenge_method != "S256" or not S256_CHALLENGE.fullmatch(challenge)):
            raise errors.InvalidRequestError("code_challenge_method has to be S256.", request=request)
        return not request.client.is_confidential

    def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
        """Raises UnsupportedGrantTypeError for `openid`, which oauthlib takes for a code."""
        if grant_type not in ("authorization_code", "refresh_token"):
            raise errors.UnsupportedGrantTypeError(request=request)
        return super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs)

    def validate_code(self, client_id, code, client, request, *args, **kwargs):
        app = lock(client)
        grant = Grant.objects.select_related("user").filter(code=code, application=client).first()
        if grant is None:
            return False
        if grant.token_family:
            # RFC 6749, 4.1.2: whoever has it again is not who it was for, or was not the first.
            self._record_reuse(Event.CODE_REUSED, grant, request)
            RefreshToken.revoke_family(grant.token_family)
            return False
        if request.code_verifier and not grant.code_challenge:
            return False  # a challenge was stripped on the way (RFC 9700, 2.1.1)
        request.grant = grant
        request.user = grant.user
        request.scopes = [scope for scope in grant.scope.split() if scope in app.allowed_scopes]
        return is_staff(grant.user) and not grant.is_expired()

    def get_code_challenge(self, code, request):
        return request.grant.code_challenge or None

    def get_code_challenge_method(self, code, request):
        return request.grant.code_challenge_method or None

    def confirm_redirect_uri(self, client_id, code, redirect_uri, client, request, *args, **kwargs):
        """The one that the code was asked for with, and sent again (RFC 6749, 4.1.3). Raises InvalidGrantError."""
        expected = request.grant.redirect_uri or client.default_redirect_uri
        was_left_out = request.grant.redirect_uri and request.using_default_redirect_uri
        if was_left_out or redirect_uri != expected:
            raise errors.InvalidGrantError("redirect_uri is not the one of the code.", request=request)
        return True

    def invalidate_authorization_code(self, client_id, code, request, *args, **kwargs):
        """Kept until it expires, to be known when it comes again."""
        Grant.objects.filter(pk=request.grant.pk).update(token_family=request.token_family)

    def validate_refresh_token(self, refresh_token, client, request, *args, **kwargs):
        lock(client)
        token = RefreshToken.objects.select_related("user").filter(
            token_checksum=digest(refresh_token), application=client
        )
        if not (former := token.first()):
            return False
        if former.revoked:
            self._record_reuse(Event.REFRESH_TOKEN_REUSED, former, request)
        # Looks at expiry, and ends the whole family of one that was used before (RFC 9700, 4.14.2).
        is_valid = super().validate_refresh_token(refresh_token, client, request, *args, **kwargs)
        return is_valid and is_staff(former.user)

    def _record_reuse(self, event, used, request):
        """Where it ends a family. Sent again and again, it would fill the log."""
        if RefreshToken.objects.filter(token_family=used.token_family, revoked=None).exists():
            record(event, Actor(email=used.user.email or "", ip=client_ip(request.headers)), request.client)

    def save_authorization_code(self, client_id, code, request, *args, **kwargs):
        Grant.objects.create(
            application=request.client,
            user=request.user,
            code=code["code"],
            expires=timezone.now() + timedelta(seconds=oauth2_settings.AUTHORIZATION_CODE_EXPIRE_SECONDS),
            redirect_uri=request.redirect_uri if request.redirect_uri_was_sent else "",
            scope=" ".join(request.scopes),
            code_challenge=request.code_challenge or "",
            code_challenge_method="S256" if request.code_challenge else "",
        )

    def _save_bearer_token(self, token, request, *args, **kwargs):
        """A pair of tokens, the first of a family or in place of the pair that it refreshes."""
        former = getattr(request, "refresh_token_instance", None)
        if former:
            former.revoke()
        request.token_family = former.token_family if former else uuid.uuid4()
        owner = {"application": request.client, "user": request.user}
        access_token = store_access_token(
            token["access_token"],
            app=request.client,
            user=request.user,
            scope=token["scope"],
            expires=timezone.now() + timedelta(seconds=token["expires_in"]),
            source_refresh_token=former,
        )
        RefreshToken.objects.create(
            **owner,
            access_token=access_token,
            token="",
            token_checksum=digest(token["refresh_token"]),
            token_family=request.token_family,
        )
        by = Actor(email=request.user.email or "", ip=client_ip(request.headers))
        record(Event.TOKEN_ISSUED, by, request.client, scopes=token["scope"].split(), grant=request.grant_type)

    def revoke_token(self, token, token_type_hint, request, *args, **kwargs):
        """RFC 7009: an access token goes with its refresh token, and the other way round."""
        lock(request.client)
        held = AccessToken.objects.filter(application=request.client)
        before = held.count()
        super().revoke_token(token, token_type_hint, request, *args, **kwargs)
        if revoked := before - held.count():
            record(Event.TOKEN_REVOKED, Actor(ip=client_ip(request.headers)), request.client, tokens=revoked)

    def introspect_token(self, token, token_type_hint, request, *args, **kwargs):
        """Of an access token of the app that asks; None for any other, and for clients that have no secret."""
        bearer = find(token)
        if bearer is None or bearer.app_id != request.client.pk or not request.client.is_confidential:
            return None
        held = AccessToken.objects.select_related("user").filter(pk=bearer.token_id).first()
        return held and {
            "scope": held.scope,
            "client_id": request.client.client_id,
            "username": held.user.email,
            "token_type": "Bearer",
            "exp": int(held.expires.timestamp()),
            "iat": int(held.created.timestamp()),
            "sub": str(held.user_id),
        }


def is_staff(user) -> bool:
    """Who may grant an app anything; what they granted ends with it."""
    return user.is_active and user.is_staff


def lock(app: App) -> App:
    """As it is now, until the end of the transaction. Raises InvalidClientError where it is gone or switched off."""
    app = App.objects.select_for_update(no_key=True).filter(pk=app.pk, is_active=True).first()
    if app is None:
        raise errors.InvalidClientError
    return app
