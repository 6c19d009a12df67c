"""Where the authorization server is mounted; the toolkit looks its endpoints up in the namespace `oauth2_provider`."""

from django.contrib import admin
from django.urls import include, path

from oauth import views
from oauth.accounts import login
from oauth.accounts import views as account

endpoints = [
    path("oauth2/authorize/", views.AuthorizationView.as_view(), name="authorize"),
    path("oauth2/token/", views.token, name="token"),
    path("oauth2/revoke_token/", views.revoke_token, name="revoke-token"),
    path("oauth2/introspect/", views.introspect, name="introspect"),
    path(".well-known/oauth-authorization-server", views.MetadataView.as_view(), name="oauth-server-metadata"),
]

private = admin.site.admin_view

urlpatterns = [
    # In front of the admin site's own, which knows no second step.
    path("dashboard/login/", login.SignIn.as_view(), name="sign-in"),
    path("dashboard/login/code/", login.EnterCode.as_view(), name="sign-in-code"),
    path("dashboard/account/", private(account.account), name="account"),
    path("dashboard/account/sign-out/", private(account.sign_out), name="account-sign-out"),
    path("dashboard/account/two-factor/begin/", private(account.begin_two_factor), name="two-factor-begin"),
    path("dashboard/account/two-factor/", private(account.ConfirmTwoFactor.as_view()), name="two-factor-confirm"),
    path("dashboard/account/two-factor/off/", private(account.SwitchOffTwoFactor.as_view()), name="two-factor-off"),
    path("", include((endpoints, "oauth2_provider"))),
    path("dashboard/apps/install-app/", views.install_app, name="install-app"),
    path("dashboard/apps/<slug:client_id>/open/", views.open_app, name="open-app"),
]
