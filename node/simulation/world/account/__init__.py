"""What is held against the machines of a world."""
