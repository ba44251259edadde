"""What any log or auditor may ask of this node, member of the federation or not: the witness and the mirror."""
