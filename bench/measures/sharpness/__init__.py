"""Sharpness: how far the training loss rises around the weights, at worst and on average."""
