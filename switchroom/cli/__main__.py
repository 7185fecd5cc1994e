"""``python -m switchroom.cli``."""

from switchroom.cli import app

app()
