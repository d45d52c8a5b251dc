"""How long an owner keeps what it learned: erasure of evidence by its days, legal holds, and what the ledger is told of both."""
