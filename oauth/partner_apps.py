"""Partner apps: registered, installed in the store, opened from the dashboard, uninstalled."""

import json
import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from oauth.actor import Actor
from oauth.app_settings import check_settings
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.models import App
from oauth.signals import app_uninstalled
from oauth.store import store_domain
from oauth.tokens import BASE62, revoke_tokens

SESSION_TOKEN_LIFETIME = timedelta(seconds=30)
MAX_SETTINGS_LENGTH = 100_000  # characters of JSON


class SettingsTooLarge(ServiceError):
    code = "too_large"

    def __init__(self):
        super().__init__(f"An app's settings have at most {MAX_SETTINGS_LENGTH} characters in all.", "settings")


@transaction.atomic
def register(app: App, by: Actor) -> str | None:
    """Saves a new partner app. Returns its client secret, which can't be read again; None for a public client.

    Raises ValidationError.
    """
    app.kind = App.Kind.PARTNER
    app.authorization_grant_type = App.GRANT_AUTHORIZATION_CODE
    secret = _set_secret(app)
    app.full_clean()
    app.save()
    record(Event.APP_REGISTERED, by, app, client_type=app.client_type)
    return secret


@transaction.atomic
def replace_secret(app: App, by: Actor) -> str | None:
    """Sets a new client secret and returns it. The former one stops working at once."""
    secret = _set_secret(app)
    app.save(update_fields=["client_secret", "signing_secret", "updated"])
    record(Event.SECRET_REPLACED, by, app)
    return secret


def _set_secret(app: App) -> str | None:
    """Sets a new secret twice: hashed, to authenticate the app; encrypted, to sign session tokens with."""
    secret = "".join(secrets.choice(BASE62) for _ in range(128))
    app.client_secret = secret
    app.signing_secret = secret if app.is_confidential else ""
    return secret if app.is_confidential else None


@transaction.atomic
def record_consent(app: App, scopes: Iterable[str], by: Actor) -> None:
    """Installs the app with these permissions, besides those that it was granted before: their tokens stay valid."""
    app = App.objects.select_for_update().get(pk=app.pk)
    record(Event.CONSENTED, by, app, scopes=list(scopes), new=sorted(set(scopes) - set(app.granted_scopes)))
    app.granted_scopes = list(dict.fromkeys([*app.granted_scopes, *scopes]))
    app.installed_at = app.installed_at or timezone.now()
    app.save(update_fields=["granted_scopes", "installed_at"])


@transaction.atomic
def uninstall(app: App, by: Actor) -> None:
    """Revokes every token and code of the app. Its settings stay, for when it is installed again."""
    app = App.objects.select_for_update().get(pk=app.pk)
    revoke_tokens(app, by)
    app.granted_scopes, app.installed_at = [], None
    app.save(update_fields=["granted_scopes", "installed_at"])
    record(Event.APP_UNINSTALLED, by, app)
    app_uninstalled.send(App, app_id=app.pk)


@transaction.atomic
def restrict_tokens(app: App) -> None:
    """Takes from the app's tokens the permissions that it may no longer ask for."""
    allowed = app.requestable_scopes
    app = App.objects.select_for_update().get(pk=app.pk)
    app.granted_scopes = [scope for scope in app.granted_scopes if scope in allowed]
    app.save(update_fields=["granted_scopes"])
    for token in app.accesstoken_set.all():
        token.scope = " ".join(scope for scope in token.scope.split() if scope in allowed)
        token.save(update_fields=["scope"])


@transaction.atomic
def save_settings(
    app_id: int, settings: dict[str, Any], *, keep_others: bool, removed: Collection[str] = ()
) -> dict[str, Any]:
    """Replaces the settings that an app stores here, or only the given keys and `removed`. Returns all its settings.

    Raises SettingsTooLarge, and ServiceError("settings", name) for a value that the app's schema does not allow.
    """
    app = App.objects.select_for_update().get(pk=app_id)
    try:
        check_settings(app.settings_schema, settings, all_of_them=not keep_others)
    except ServiceError as error:
        raise error.within("settings") from None
    kept = {name: value for name, value in app.settings.items() if name not in removed} if keep_others else {}
    app.settings = {**kept, **settings}
    if len(json.dumps(app.settings)) > MAX_SETTINGS_LENGTH:
        raise SettingsTooLarge
    app.save(update_fields=["settings", "updated"])
    return app.settings


def delete_settings(app_id: int) -> None:
    App.objects.filter(pk=app_id).update(settings={}, updated=timezone.now())


def append_to_query(uri: str, parameters: Iterable[tuple[str, str]]) -> str:
    """The URI's own query stays as it is written (RFC 6749, 3.1.2). The URI has no fragment."""
    separator = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return f"{uri}{separator}{urlencode(list(parameters))}"


def install_url(app: App, request: HttpRequest) -> str:
    """The page of the app that starts the authorization code flow."""
    return append_to_query(app.app_url, [("store", store_domain(request))])


def open_url(app: App, request: HttpRequest) -> str:
    """The app's page. Where the app has a secret, the URL has a session token that names the user and the store.

    Raises UnreadableSecret.
    """
    url = install_url(app, request)
    if app.signing_secret:
        url = append_to_query(url, [("token", session_token(app, request.user, store_domain(request)))])
    return url


def session_token(app: App, user: Any, domain: str) -> str:
    """A JWT for 30 seconds, signed (HS256) with the app's client secret. Raises UnreadableSecret."""
    now = timezone.now()
    claims = {
        "iss": f"https://{domain}/dashboard",
        "sub": f"https://{domain}",
        "aud": app.client_id,
        "exp": int((now + SESSION_TOKEN_LIFETIME).timestamp()),
        "nbf": int(now.timestamp()),
        "iat": int(now.timestamp()),
        "uid": user.pk,
        "user_email": user.email,
        "store": domain,
    }
    token = JWT(header={"alg": "HS256", "typ": "JWT"}, claims=claims)
    token.make_signed_token(JWK.from_password(app.signing_secret))
    return token.serialize()
