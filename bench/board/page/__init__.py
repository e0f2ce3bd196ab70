"""A page before it has a format: tables, notes and records."""
