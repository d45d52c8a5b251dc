"""Grants on paper: drafted by an owner, signed by the operator, countersigned by both custodians (protocol section 7)."""
