"""A log as anyone may check it: its head with cosignatures, proofs, files for auditors, and copies from such files."""
