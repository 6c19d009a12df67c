"""Django's PostgreSQL backend, with a health check that costs no round trip."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self):
        """An idle connection has nothing to say. One that was closed, by the server or on the way, is readable: only
        then is the server asked."""
        idle = select.poll()
        try:
            idle.register(self.connection.pgconn.socket, select.POLLIN)
        except self.Database.Error:  # known to be lost: it has no socket any more
            return False
        return not idle.poll(0) or super().is_usable()
