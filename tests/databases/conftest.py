"""Contacts kept in a ledger, with their recordings on a disk, for every test that asks for ``keeper``."""

from pathlib import Path

import pytest

from switchroom.storage.database import Database
from tests.fixtures.aged_contacts import Disk
from tests.fixtures.kept_contacts import Keeper


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "files")


@pytest.fixture
def keeper(database: Database, disk: Disk) -> Keeper:
    return Keeper(database, disk.files)
