"""Boards image by image: where two methods agree, and how much of a spread comes from the test set."""
