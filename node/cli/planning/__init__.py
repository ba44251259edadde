"""`rochdale plan`: plans among co-ops, and plans tried out on an economy file."""
