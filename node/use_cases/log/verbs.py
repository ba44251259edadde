"""The verbs of logs as files and proofs, for the table of operations."""

from node.use_cases.log import evidence, export, heads, importing, proofs

OPERATIONS = (*heads.OPERATIONS, *proofs.OPERATIONS, *export.OPERATIONS, *evidence.OPERATIONS, *importing.OPERATIONS)
