"""The long run of simulated worlds: which seeds, in which processes, and what is remembered."""
