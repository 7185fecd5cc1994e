"""What is the matter with a database, in words for people: fixed ones, without address, password or data."""

from sqlalchemy.exc import DBAPIError, InterfaceError

from switchroom.domain.errors import NotReady

_SQLITE = {
    "readonly": "is read-only: its file or its file system cannot be written",
    "query_only": "is read-only",
    "disk is full": "has no room: the disk is full",
    "locked": "is locked by another process",
    "unable to open": "cannot be opened: its folder is gone, read-only or not ours",
    "disk i/o": "cannot be written: the disk or its quota refuses (I/O error)",
    "malformed": "is damaged: restore it from a backup",
    "not a database": "is damaged: its file is no database",
    "no such table": "lacks tables: run `switchroom db upgrade`",
}
_POSTGRESQL = {
    "25006": "is read-only: a standby in recovery, or set so",
    "53100": "has no room: its disk is full",
    "53300": "has no connection left for us",
    "55P03": "is locked: another transaction holds what we write",
    "57014": "is too slow: our small write was not done in time",
    "57P03": "is starting up or shutting down",
    "57P01": "is shutting down",
    "3D000": "has no database of this name",
    "28": "refuses our user or password",
    "42P01": "lacks tables: run `switchroom db upgrade`",
    "42501": "does not let our user write",
}


def explain(error: Exception) -> NotReady:
    """The error as a sentence that goes after the database's name."""
    if isinstance(error, TimeoutError):
        return NotReady("does not answer in time")
    if isinstance(error, OSError | InterfaceError):
        return NotReady(f"cannot be reached ({getattr(error, 'strerror', None) or type(error).__name__})")
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state is not None:
            return NotReady(_POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]) or f"fails (SQLSTATE {state})")
        said = str(error.orig).lower()
        for words, meaning in _SQLITE.items():
            if words in said:
                return NotReady(meaning)
        error = error.orig if isinstance(error.orig, Exception) else error
    return NotReady(f"fails ({type(error).__name__})")
