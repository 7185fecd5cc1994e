"""Files that are there whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """So that nobody ever reads a half, also where two write the same at once; for our own user alone.

    ``durable``: it outlives a power failure once this returns. Raises `OSError`.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(delete=False, dir=path.parent, prefix=path.stem, suffix=".part") as file:
        part = Path(file.name)
        try:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            file.close()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
