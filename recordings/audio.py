"""Deletes recordings from the disk. All methods block: call them in a thread."""

from collections.abc import Collection, Iterable
from datetime import tzinfo
from pathlib import Path

import structlog

from recordings.finishing import partial
from recordings.naming import finished, talk_of
from switchroom.domain.ids import ContactId

log = structlog.get_logger(__name__)


class Audio:
    """What lies in ``spool`` (raw) and below ``files`` (finished, days in ``zone``)."""

    def __init__(self, spool: Path, files: Path, zone: tzinfo) -> None:
        self._spool, self._files, self._zone = spool, files, zone

    def delete(self, paths: Iterable[str]) -> None:
        """Delete these finished recordings (``path`` of the ledger); one that is gone already is no error.

        Raises OSError when one cannot be deleted. What a path outside of the folder names is left alone.
        """
        folder = self._files.resolve()
        for path in paths:
            file = self._files / path
            # The folder's links are followed, the file itself is not: a link is deleted, not what it points to.
            if not file.parent.resolve().is_relative_to(folder):
                log.error("recordings.outside_folder")
                continue
            file.unlink(missing_ok=True)
            partial(file).unlink(missing_ok=True)

    def delete_unfinished(self, contact_ids: Collection[ContactId]) -> None:
        """Delete the raw files of these contacts, with what was made of them and is not in the ledger."""
        theirs = set(contact_ids)
        for raw in self._spool.glob("*.raw"):
            talk = talk_of(raw)
            if talk is not None and talk.contact_id in theirs:
                # The raw file first: who is finishing it looks whether it is still there.
                raw.unlink(missing_ok=True)
                self.delete([str(finished(talk, self._zone))])
