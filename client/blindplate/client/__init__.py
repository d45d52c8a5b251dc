"""What runs outside the service: cameras, list owners and auditors."""
