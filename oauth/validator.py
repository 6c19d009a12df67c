"""The store's policy within the protocol. The protocol itself is oauthlib's and django-oauth-toolkit's."""

import re

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749 import errors

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, entry, record
from oauth.grants import find_app, find_code, find_refresh_token, issue_tokens
from oauth.models import AccessToken, App, Grant, RefreshToken
from oauth.scopes import Scope
from oauth.tokens import authenticate

CLAIMED_CLIENT_ID = "claimed_client_id"  # the client id of a request, wherever it is, among the headers for oauthlib
S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Validator(OAuth2Validator):
    """Runs inside the transaction of a request to the token endpoint.

    Requests with codes and refresh tokens of one app take turns: each locks the app first, as does whatever revokes the
    app's tokens. The second one sees what the first one did.
    """

    def client_authentication_required(self, request, *args, **kwargs):
        """Reads the app before the toolkit does, which keeps it.

        The toolkit would read all columns, by a statement that the ORM builds each time.
        """
        request.client = find_app(request.headers[CLAIMED_CLIENT_ID])
        return super().client_authentication_required(request, *args, **kwargs)

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
        # Not by the toolkit, which would read the code and the user again.
        request.used = request.user = used = find_code(code, client)
        if used is None:
            return False
        if used.is_used:
            # RFC 6749, 4.1.2: one of the two who sent the code has stolen it.
            self._end_family(Event.CODE_REUSED, used, request)
            return False
        if request.code_verifier and not used.code_challenge:
            return False  # the challenge was removed on the way (RFC 9700, 2.1.1)
        request.scopes = used.requestable_scopes
        return used.may_grant

    def get_code_challenge(self, code, request):
        return request.used.code_challenge or None

    def get_code_challenge_method(self, code, request):
        return request.used.code_challenge_method or None

    def confirm_redirect_uri(self, client_id, code, redirect_uri, client, request, *args, **kwargs):
        """The URI has to be that of the authorization request, and sent again if it was sent there (RFC 6749, 4.1.3).

        Raises InvalidGrantError.
        """
        expected = request.used.redirect_uri or client.default_redirect_uri
        was_left_out = request.used.redirect_uri and request.using_default_redirect_uri
        if was_left_out or redirect_uri != expected:
            raise errors.InvalidGrantError("redirect_uri is not the one of the code.", request=request)
        return True

    def invalidate_authorization_code(self, client_id, code, request, *args, **kwargs):
        """Does nothing: `save_bearer_token` has marked the code as used. It is kept until it expires, so that a second
        use is noticed."""

    def validate_refresh_token(self, refresh_token, client, request, *args, **kwargs):
        # Not by the toolkit, which would read the token, its owner and the app again.
        request.used = request.user = used = find_refresh_token(refresh_token, client)
        if used is None:
            return False
        if used.is_used:
            self._end_family(Event.REFRESH_TOKEN_REUSED, used, request)  # RFC 9700, 4.14.2
            return False
        return used.may_grant

    def get_original_scopes(self, refresh_token, request, *args, **kwargs):
        return request.used.scope

    def _end_family(self, event, used, request):
        """Revokes all tokens that descend from the same code. Records it where some were left: further reuses end
        nothing, and would fill the log."""
        if RefreshToken.objects.filter(token_family=used.family, revoked=None).exists():
            record(event, Actor(email=used.owner_email or "", ip=client_ip(request.headers)), request.client)
        RefreshToken.revoke_family(used.family)

    def save_bearer_token(self, token, request, *args, **kwargs):
        by = Actor(email=request.used.owner_email or "", ip=client_ip(request.headers))
        scopes = token["scope"].split()
        event = entry(Event.TOKEN_ISSUED, by, request.client, scopes=scopes, grant=request.grant_type)
        issue_tokens(token, request.client, request.used, event)

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


def lock_app(app: App) -> None:
    """Locks the app until the end of the transaction. Raises InvalidClientError where it was deleted or switched off.

    `find_code` and `find_refresh_token` do the same.
    """
    if not App.objects.select_for_update(no_key=True).filter(pk=app.pk, is_active=True).values_list("pk").first():
        raise errors.InvalidClientError
