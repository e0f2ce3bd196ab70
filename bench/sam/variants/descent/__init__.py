"""Variants that descend along something other than the gradient at w + ε."""
