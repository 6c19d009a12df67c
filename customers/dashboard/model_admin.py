"""What all pages of objects have in common."""

from django import forms
from django.contrib import admin


class DashboardAdmin(admin.ModelAdmin):
    @property
    def media(self):
        """Without jQuery and what needs it: no page has pop-ups of related objects or prepopulated fields."""
        return forms.Media()
