"""Rounds of a plan among 2 to 40 members in virtual time, with everything failing that a seed can draw."""
