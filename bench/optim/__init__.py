"""Base optimizers that are more than one call of torch's, and those that are named by where they come from."""
