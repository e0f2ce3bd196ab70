"""Variants: how the perturbation ε is made of the gradient."""
