from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "customers.jobs"
    verbose_name = "Imports and exports"

    def ready(self):
        from customers import ownership
        from customers.jobs import bulk_edits, registry, tag_edits
        from customers.jobs.exports.parts import EXPORT
        from customers.jobs.imports.load import IMPORT
        from customers.jobs.models import Job

        ownership.register(ownership.StaffRows(Job, "started_by_id"))
        registry.register(IMPORT, EXPORT, *bulk_edits.TYPES.values(), *tag_edits.TYPES)
