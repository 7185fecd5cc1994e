"""The words that every part shares: ids, calls, events. Pure: no clock, no I/O, no vendor."""
