"""What is known of others: peers, how far each session has told, witnesses that are asked themselves."""
