"""Peers and their logs."""
