"""The settings of a store that takes at least half a second for each hash of a password."""

from config.settings import *  # noqa: F403  a settings module is all of its names
from config.settings import PASSWORD_HASHERS as CONFIGURED
from oauth.hashers import PasswordHasher


class SlowHasher(PasswordHasher):
    time_cost = 40


PASSWORD_HASHERS = ["tests.live.slow_hashes.SlowHasher", *CONFIGURED[1:]]
