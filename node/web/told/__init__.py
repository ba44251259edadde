"""Pages that operations describe themselves."""
