"""What lies in a home's folder and beside it, outside the database."""
