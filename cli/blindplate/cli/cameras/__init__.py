"""Cameras as the operator sees them."""
