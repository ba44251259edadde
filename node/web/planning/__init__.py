"""Forms on the pages of a plan."""
