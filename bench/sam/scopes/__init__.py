"""Scopes: which parameters, or entries of them, the ascent step perturbs."""
