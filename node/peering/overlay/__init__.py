"""Which sessions a node of a large federation keeps."""
