"""How trials become jobs on machines: launchers, the worker they start, and the driver above them."""

OWNER = "sambench"
"""Tells this package from others of the same name; `sambench doctor` looks for it."""
