"""A plan audited by someone who made none of it: what was said in each round, and whether the plan follows from it."""
