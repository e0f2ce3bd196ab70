"""Passes: forward and backward, at w and at w + ε, on whatever a step is given."""
