"""Tests of the step in loops and with optimizers of the user's own."""
