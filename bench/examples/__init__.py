"""Working examples of plug-ins, which `sambench new` writes with their tests under the user's name."""
