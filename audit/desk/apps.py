"""The desk as a Django app: models and migrations only."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The only app of this project."""

    name = "audit.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"
