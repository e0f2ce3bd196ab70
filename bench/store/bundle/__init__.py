"""A bundle: a store that was published, with what its readers need beside it; read only, and whole or refused."""
