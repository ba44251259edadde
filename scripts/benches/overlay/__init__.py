"""What a large federation costs each of its nodes."""
