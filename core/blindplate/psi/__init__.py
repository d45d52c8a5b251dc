"""The encrypted match (protocol section 5): the only place that touches homomorphic encryption."""
