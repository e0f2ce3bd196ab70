"""Tests of base optimizers."""
