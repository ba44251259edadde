"""What a log asks of others, and what it makes of their answers."""
