"""The demo: a made-up region as real processes, and what a process of its own needs."""
