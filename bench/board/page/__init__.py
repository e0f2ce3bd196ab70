"""A page before formatting: tables, notes and records."""
