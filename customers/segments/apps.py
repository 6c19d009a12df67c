from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "customers.segments"
    label = "segments"
    verbose_name = "Segments"
    role_permissions = {
        "Viewer": ("view_segment",),
        "Staff": ("add_segment", "change_segment", "delete_segment"),
    }
    section_permissions = {
        "customers": {"view": ("view_segment",), "edit": ("add_segment", "change_segment", "delete_segment")},
    }

    def ready(self):
        from customers import filters
        from customers.segments import services

        filters.register_filter("segment", services.in_segment)
