"""The ledger's formats and what its entries mean: pure, no I/O (protocol section 7; docs/spec/ledger.md)."""
