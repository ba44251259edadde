"""What each page shows: one typed model a page, filled from the sources."""
