"""Base optimizers beyond a single torch call, and those named by their library."""
