"""What the files of vectors hold, a module an area; scripts/export_vectors.py finds and writes them."""
