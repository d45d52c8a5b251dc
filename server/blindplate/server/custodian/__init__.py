"""A custodian: blinded evaluation and release (protocol sections 3 and 6)."""
