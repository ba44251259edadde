"""What a member, a co-op or a peer can do: one file for each group of verbs."""
