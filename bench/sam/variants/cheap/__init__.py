"""Variants that cost less than two passes a step."""
