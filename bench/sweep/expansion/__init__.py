"""Expansion: from what a sweep file says to its trials."""
