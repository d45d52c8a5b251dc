"""The demonstration: a throw-away deployment of real processes, made traffic, and what each party saw of it."""
