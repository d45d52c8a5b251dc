"""Whoever wants to check: verifies the whole public ledger, judges what stands in it, and draws the public report.

Needs the ledger's address or files and the public keys, and nothing from anybody else. docs/spec/audit.md says rule by
rule what is verified. Protocol sections 6 and 7, guarantee G6.
"""
