"""What this home asks of others over the web: cosignatures of witnesses, and mirrors that take its log in."""
