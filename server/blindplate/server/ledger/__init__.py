"""The ledger's server: durable appends with receipts, public files of C2SP form, and both custodians' cosignatures.

Protocol section 7; docs/spec/ledger.md sections 5 and 6.
"""
