"""How trials become jobs on machines: launchers, the worker they start, and the driver above them."""
