"""What happens here that others have to do with, too. Receivers run within the transaction that sends."""

from django.dispatch import Signal

app_uninstalled = Signal()  # sender: the App, with `app_id`
