"""What can be wrong with a request."""


class UnknownAgent(LookupError):
    """No agent has this number."""


class UnknownContact(LookupError):
    """No live call has this id, or it is in other hands."""


class Refused(Exception):
    """The request cannot be granted now; the text says why, in one sentence for the person who asked."""


class NotReady(Exception):
    """Something that the server needs is not as it must be; the text says what, for the person who runs it."""
