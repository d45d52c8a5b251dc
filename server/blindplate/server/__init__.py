"""The services: matcher and custodians."""
