"""Publish: the results of sweeps as one folder that stands for a paper's supplement, and that is read like a store."""
