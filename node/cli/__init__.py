"""The commands of a node: one file for each group, the same verbs as the pages and the API."""
