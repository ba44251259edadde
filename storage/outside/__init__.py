"""What a home remembers of strangers whom it asks."""
