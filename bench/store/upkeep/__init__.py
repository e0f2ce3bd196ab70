"""Looking after a store: compact, clean, check, merge and export it."""
