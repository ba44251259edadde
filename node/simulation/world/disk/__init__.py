"""A machine's disk in a world: what forgets like a real one, and SQLite upon it."""
