"""How fast logs are written, proven and audited."""
