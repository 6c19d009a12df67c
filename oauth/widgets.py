"""Inputs of forms."""

from django import forms


class EmailInput(forms.TextInput):
    """Not `type=email`: a browser rewrites the domain of what stands there, by rules of its own."""

    def __init__(self, attrs=None):
        super().__init__({"inputmode": "email", "autocapitalize": "off", "spellcheck": "false", **(attrs or {})})
