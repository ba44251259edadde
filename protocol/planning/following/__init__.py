"""A plan in force is followed: who promised what, what was really given and received, and what is still open."""
