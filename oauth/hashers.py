from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ClientSecretHasher(PBKDF2PasswordHasher):
    """For secrets of 128 random characters. Nobody guesses them, and many rounds would slow each token request."""

    algorithm = "pbkdf2_sha256_once"
    iterations = 1
