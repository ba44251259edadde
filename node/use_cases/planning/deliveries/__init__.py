"""Who brings what to whom: where everybody is, the shortest ways, and what each is asked to make, give and get."""
