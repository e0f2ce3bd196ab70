"""Commands, one file per group; each is imported when it is called."""
