"""Care of the cameras: signs of life, what is usual, and alarms when one goes dark or blind (docs/spec/matcher.md section 12)."""
