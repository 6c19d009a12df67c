"""Signals for layers above the sender. Handlers run inside the sender's transaction, if there is one."""

from django.dispatch import Signal

# Arguments: `app_id`. The tokens of a partner app were revoked by its uninstallation.
app_uninstalled = Signal()

# Arguments: `user`, `by` (an Actor). A member of staff may not sign in any more.
staff_deactivated = Signal()

# Arguments: `user`, `role`, `by` (an Actor). A member of staff has a role that may do less than the former one.
staff_demoted = Signal()

# Arguments: `outcome`. A read that may be stale was answered by the replica (`replica`), or by the primary because the
# replica was `behind`, `unavailable`, had `failed`, or lacked the object (`missing`).
replica_asked = Signal()

# Arguments: `user`, `by` (an Actor). An email with a link to choose a new password was sent.
password_reset_sent = Signal()
