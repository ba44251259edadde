"""What strangers' tools fetch: files of logs, open to anyone."""
