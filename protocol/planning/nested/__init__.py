"""Plans of two levels: regions plan what is theirs, and each is one participant in the plan above."""
