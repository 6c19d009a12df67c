"""Sessions in the database, found by the digest of their key: a dump of it signs nobody in."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls):
        from oauth.models import Session  # models are not loaded yet when the engine is

        return Session
