"""What a worker does, the same under every launcher: claim a trial, train or measure it, record how it went."""
