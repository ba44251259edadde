"""What must be reached, measured on this machine: run them with scripts/bench."""
