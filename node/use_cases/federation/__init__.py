"""Belonging to a federation, and deciding together what must be one and the same everywhere."""
