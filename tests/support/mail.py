"""The emails that the store has sent."""

from django.core import mail

from oauth.accounts.mail import send_next


def sent_emails() -> list:
    """All of this test, after the worker has sent what waits."""
    while send_next():
        pass
    return mail.outbox
