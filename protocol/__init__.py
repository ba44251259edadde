"""What co-ops must agree on: signed records and pure rules.

Invariant: nothing here reads a file, a socket, a clock or randomness, and nothing here logs.
"""
