"""Variants that perturb along something other than g, or by another length."""
