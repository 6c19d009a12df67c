"""The family of errors that every service raises."""


class ServiceError(Exception):
    """A call that a service refused. Nothing was changed.

    `code` is a constant of the class, for programs; `message` is a sentence for people. `path` leads to the value that
    is wrong: names of fields and, within a list, positions. It is empty where no single field is wrong.
    """

    code = "invalid"

    def __init__(self, message: str, *path: str | int):
        super().__init__(message)
        self.message = message
        self.path = path

    def within(self, *prefix: str | int) -> "ServiceError":
        """The same error, with a path that starts from a containing object."""
        self.path = (*prefix, *self.path)
        return self
