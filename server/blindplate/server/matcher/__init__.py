"""The matching service (protocol sections 4 and 5)."""
