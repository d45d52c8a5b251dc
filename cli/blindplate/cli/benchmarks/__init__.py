"""What this machine does: the measurements behind ``blindplate bench``, each checked as it is taken."""
