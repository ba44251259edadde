"""The first day: a name, a till file, the most wanted goods."""
