"""Form fields of days and moments, with the browser's own pickers."""

from django import forms


class DateField(forms.DateField):
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
