"""Which static files are collected and served."""

from django.contrib.staticfiles import apps


class StaticFilesConfig(apps.StaticFilesConfig):
    # No page uses Redoc, which comes with Swagger UI, and source maps.
    ignore_patterns = [*apps.StaticFilesConfig.ignore_patterns, "redoc", "*.map"]
