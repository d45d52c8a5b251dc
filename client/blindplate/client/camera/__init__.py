"""A camera: takes ANPR events, gives sealed records (protocol sections 3 and 4)."""
