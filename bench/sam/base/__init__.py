"""The base optimizer, and what is `.grad` before and after a step."""
