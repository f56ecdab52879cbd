"""A schema as the database has it: what it is made of, who may do what with it, what is in it."""
