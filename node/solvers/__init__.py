"""Solvers that may differ from machine to machine: what they find counts only after a check in whole numbers."""
