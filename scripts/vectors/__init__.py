"""What the files of vectors hold, a module an area; scripts/export.py finds and writes them."""
