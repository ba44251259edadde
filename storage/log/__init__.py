"""Logs as they lie in the database: their entries and bundles, cosignatures, where they end, and the index."""
