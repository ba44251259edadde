"""Reference pages, each written from the table that it describes."""
