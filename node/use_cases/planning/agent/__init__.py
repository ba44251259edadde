"""What helps a council to its card: members' wishes and pledges, and every line with where it came from."""
