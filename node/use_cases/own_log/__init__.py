"""This home's own log: whether it may be signed, and how it comes back after a backup was put back."""
