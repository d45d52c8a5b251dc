"""Migrations of the custodian's database, run at every start."""
