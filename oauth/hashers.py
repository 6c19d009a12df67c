"""How passwords and the secrets of apps are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: a ninth of the time of Django's own.

    A hash with other parameters stays valid, and the next sign-in replaces it.
    """

    memory_cost = 19 * 1024  # KiB
    time_cost = 2  # passes
    parallelism = 1


class ClientSecretHasher(PBKDF2PasswordHasher):
    """For secrets of 128 random characters. Nobody guesses them, and many rounds would slow each token request."""

    algorithm = "pbkdf2_sha256_once"
    iterations = 1
