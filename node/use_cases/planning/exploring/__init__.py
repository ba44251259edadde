"""What would be if: a plan tried again with other floors, capacities and caps, and other ways to share beside it."""
