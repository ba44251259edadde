"""Who brings what to whom: the shortest ways for a plan's goods, as a document that anyone can check."""
