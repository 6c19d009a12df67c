"""Django's own pages for choosing a password, under the URL names that Django's templates use."""

from django.contrib.auth import views
from django.db.models import OuterRef
from django.urls import path

from customers.dashboard.site import site_names
from customers.models import Event
from oauth.accounts import passwords
from oauth.accounts.passwords import EMAIL_TEMPLATE, SetPasswordForm

SITE = {"extra_context": site_names()}


class ForgotPasswordForm(passwords.ForgotPasswordForm):
    def resets_since(self, moment):
        return Event.objects.filter(user=OuterRef("pk"), kind=Event.Kind.PASSWORD_RESET_SENT, at__gt=moment)


urlpatterns = [
    path(
        "",
        views.PasswordResetView.as_view(form_class=ForgotPasswordForm, email_template_name=EMAIL_TEMPLATE, **SITE),
        name="admin_password_reset",
    ),
    path("done/", views.PasswordResetDoneView.as_view(**SITE), name="password_reset_done"),
    path(
        "<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(form_class=SetPasswordForm, **SITE),
        name="password_reset_confirm",
    ),
    path("complete/", views.PasswordResetCompleteView.as_view(**SITE), name="password_reset_complete"),
]
