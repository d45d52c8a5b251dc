"""A list owner: its list, uploads, answers, claims and releases (protocol sections 3, 5 and 6)."""
