"""Forms made from JSON schemas: which fields there are, what is typed into them, and what of it is to be saved."""
