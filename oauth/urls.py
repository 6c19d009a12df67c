"""Where the authorization server is mounted; the toolkit looks its endpoints up in the namespace `oauth2_provider`."""

from django.contrib import admin
from django.urls import include, path

from oauth import views

endpoints = [
    path("oauth2/authorize/", views.AuthorizationView.as_view(), name="authorize"),
    path("oauth2/token/", views.token, name="token"),
    path("oauth2/revoke_token/", views.revoke_token, name="revoke-token"),
    path("oauth2/introspect/", views.introspect, name="introspect"),
    path(".well-known/oauth-authorization-server", views.MetadataView.as_view(), name="oauth-server-metadata"),
]

urlpatterns = [
    path("", include((endpoints, "oauth2_provider"))),
    path("dashboard/apps/install-app/", admin.site.admin_view(views.install_app), name="install-app"),
    path("dashboard/apps/<slug:client_id>/open/", admin.site.admin_view(views.open_app), name="open-app"),
]
