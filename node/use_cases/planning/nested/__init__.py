"""Plans of two levels, tried out."""
