"""Sessions in the database, found by the digest of their key: a copy of the database signs nobody in."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

# The key in a session's data for its origin: the values of Session's columns `created_at`, `ip` and `user_agent`.
ORIGIN = "origin"
# The key for what the session opens: the value of `SessionStore.surface`.
SURFACE = "surface"


class SessionStore(db.SessionStore):
    """A session opens one surface. At any other one its key is unknown."""

    surface: str | None = None  # the dashboard

    def load(self):
        data = super().load()
        if data and data.get(SURFACE) != self.surface:
            self._session_key = None
            return {}
        return data

    @classmethod
    def get_model_class(cls):
        from oauth.accounts.models import Session  # Django imports the session engine before models

        return Session

    def create_model_instance(self, data):
        session = super().create_model_instance(data)
        for name, value in {"user_id": data.get(SESSION_KEY), **data.get(ORIGIN, {})}.items():
            setattr(session, name, value)
        return session
