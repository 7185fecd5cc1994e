"""What the ACD costs: the core in virtual time, and a decision, bare and in the running service."""
