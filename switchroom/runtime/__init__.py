"""What every part runs on: the bus, tasks, time, settings, and the process around them."""
