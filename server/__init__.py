"""The roof: builds every part, wires them, and is the command line. Nothing imports it."""
