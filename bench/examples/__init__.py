"""Working examples of what users may add, which `sambench new` writes under a name of the user's, with their tests."""
