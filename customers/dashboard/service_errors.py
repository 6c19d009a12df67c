"""What a service refuses after a form was found valid, shown on the form."""

from typing import Any

from django.contrib import admin

from oauth.errors import ServiceError


class ShowsRefusals(admin.ModelAdmin):
    """Its form has `refusal`, which its `clean` puts where it belongs: of what was sent when nothing could be saved."""

    def get_form(self, request, obj=None, change=False, **options):
        form: Any = super().get_form(request, obj, change=change, **options)
        form.refusal = getattr(request, "refusal", None)
        return form

    def changeform_view(self, request, *args, **options):
        try:
            return super().changeform_view(request, *args, **options)
        except ServiceError as refusal:
            # Nothing was saved. Once more, with the error where it belongs.
            request.refusal = refusal
            return super().changeform_view(request, *args, **options)
