from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ClientSecretHasher(PBKDF2PasswordHasher):
    """For 128 random characters, which no dictionary holds: many rounds would make each token request wait."""

    algorithm = "pbkdf2_sha256_once"
    iterations = 1
