"""A bundle: a published store with what its readers need; read-only, and either whole or refused."""
