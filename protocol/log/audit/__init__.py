"""A whole log held against its signed head, from its public files alone."""
