"""Signals for layers above webhooks."""

from django.dispatch import Signal

# Arguments: `delivery`, `seconds`, `code` (the HTTP status, or None) and `outcome`: `delivered`, `retry` or `failed`.
# Sent by the worker after an attempt is recorded.
attempt_recorded = Signal()
