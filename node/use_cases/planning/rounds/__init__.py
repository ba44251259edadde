"""A call's rounds at this node: from cards and answers to a draft, and from the vote to a plan in force."""
