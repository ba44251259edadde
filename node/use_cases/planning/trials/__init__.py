"""Plans tried out on an economy file, everybody answering honestly on this machine."""
