"""Trials on Ray: Ray Tune on this machine, or on a Ray cluster."""
