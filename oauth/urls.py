"""Where the authorization server is mounted; the toolkit looks its endpoints up in the namespace `oauth2_provider`."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from oauth import client_endpoints, views
from oauth.accounts import login
from oauth.accounts import views as account

endpoints = [
    path("oauth2/authorize/", views.AuthorizationView.as_view(), name="authorize"),
    path("oauth2/token/", client_endpoints.token, name="token"),
    path("oauth2/revoke_token/", client_endpoints.revoke_token, name="revoke-token"),
    path("oauth2/introspect/", client_endpoints.introspect, name="introspect"),
    path(".well-known/oauth-authorization-server", views.MetadataView.as_view(), name="oauth-server-metadata"),
]

private = admin.site.admin_view

urlpatterns = [
    # Before the admin site's own pages: its login has no second step, its change of a password counts no guesses.
    path("dashboard/login/", login.SignIn.as_view(), name="sign-in"),
    path("dashboard/login/code/", login.EnterCode.as_view(), name="sign-in-code"),
    path("dashboard/password_reset/", include("oauth.accounts.password_pages")),
    path("dashboard/account/", private(account.account), name="account"),
    path("dashboard/account/name/", private(account.change_name), name="account-name"),
    path("dashboard/account/two-factor/required/", private(account.two_factor_required), name="two-factor-required"),
    path("dashboard/account/sign-out/", private(account.sign_out), name="account-sign-out"),
    path("dashboard/account/two-factor/begin/", private(account.begin_two_factor), name="two-factor-begin"),
    path("dashboard/account/two-factor/", private(account.ConfirmTwoFactor.as_view()), name="two-factor-confirm"),
    path("dashboard/account/two-factor/off/", private(account.SwitchOffTwoFactor.as_view()), name="two-factor-off"),
    path("dashboard/password_change/", private(account.ChangePassword.as_view()), name="account-password"),
    path("", include((endpoints, "oauth2_provider"))),
    path("dashboard/apps/", RedirectView.as_view(pattern_name="admin:oauth_partnerapp_changelist"), name="apps"),
    path("dashboard/apps/install-app/", views.install_app, name="install-app"),
    path("dashboard/apps/<slug:client_id>/open/", views.open_app, name="open-app"),
]
