"""Larger media at the camera: taken with an event, sealed at once, handed over when their record is claimed."""
