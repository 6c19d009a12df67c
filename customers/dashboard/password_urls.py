"""Django's own pages for choosing a password, under the URL names that Django's templates use."""

from django.contrib.auth import views
from django.urls import path

from customers.dashboard.site import site_names
from oauth.accounts.passwords import ChoosePassword, ForgotPasswordForm

SITE = {"extra_context": site_names()}

urlpatterns = [
    path(
        "",
        views.PasswordResetView.as_view(form_class=ForgotPasswordForm, **SITE),
        name="admin_password_reset",
    ),
    path("done/", views.PasswordResetDoneView.as_view(**SITE), name="password_reset_done"),
    path(
        "<uidb64>/<token>/",
        ChoosePassword.as_view(**SITE),
        name="password_reset_confirm",
    ),
    path("complete/", views.PasswordResetCompleteView.as_view(**SITE), name="password_reset_complete"),
]
