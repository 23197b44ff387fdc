"""How each grammar writes definitions, tests and comments: one module a family of languages."""
