"""What the pages of a plan say, typed."""
