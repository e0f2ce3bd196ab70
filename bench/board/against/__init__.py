"""The board against other numbers: the paper's, with verdicts and claims, or other results of the same trials."""

PAPER = "paper"
"""What a board is compared with, unless it is another store, an export or a commit."""
