"""The matcher's own check that nothing outlives its window, and its statement of every day (G7)."""
