"""``python -m switchroom.cli``."""

from switchroom.cli import main

main()
