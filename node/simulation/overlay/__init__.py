"""A large federation in virtual time: sessions, membership and trees as they are, disks and wires as numbers."""
