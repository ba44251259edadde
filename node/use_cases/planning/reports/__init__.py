"""What a call has come to: for whoever takes part, for people who read it, for auditors who trust nobody."""
