"""Commands, a file for each group; the command line imports them all to register them."""
