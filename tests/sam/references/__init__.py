"""Slow, plain steps of every method, and networks to compare with them."""
