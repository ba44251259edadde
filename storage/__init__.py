"""What a node remembers: one SQLite file per home, sealed keys, and files by hash.

Invariant: everything acknowledged has been synced to disk; a crash at any instruction needs no repair.
"""
