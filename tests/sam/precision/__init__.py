"""Tests of the step in low precision, on other devices and at gradients that aren't finite."""
