"""A party's own reading of the ledger, and its appends to it (protocol section 7; docs/spec/ledger.md)."""
