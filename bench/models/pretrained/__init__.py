"""Weights that training starts from: from a file, or from the collection of timm."""
