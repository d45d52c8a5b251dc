"""Charging in two stages: kept unopened until payment has closed, then opened where nobody paid (protocol section 8)."""
