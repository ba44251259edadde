"""A plan in force: what its members promised, what was carried, what is open or will be lacking."""
