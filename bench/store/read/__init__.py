"""Reading a store: loose and compacted trials as tables, each trial once."""
