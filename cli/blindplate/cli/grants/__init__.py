"""How a grant is shown to people who decide about it."""
