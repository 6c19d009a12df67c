"""Sessions in the database, found by the digest of their key: a dump of it signs nobody in."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

ORIGIN = "origin"  # where and when the session was begun; `sign_ins` puts it there


class SessionStore(db.SessionStore):
    @classmethod
    def get_model_class(cls):
        from oauth.accounts.models import Session  # models are not loaded yet when the engine is

        return Session

    def create_model_instance(self, data):
        session = super().create_model_instance(data)
        for name, value in {"user_id": data.get(SESSION_KEY), **data.get(ORIGIN, {})}.items():
            setattr(session, name, value)
        return session
