"""What it costs to start: the command line, a command, a node."""
