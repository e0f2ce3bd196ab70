"""Publish: the results of sweeps as one folder, a paper's supplement that is read like a store."""
