"""How meetings' votes make a draft a plan in force, or lead to another draft without whoever refused."""
