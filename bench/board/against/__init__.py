"""The board beside other numbers: the paper's, with verdicts by cell and claims, or other results of its trials."""

PAPER = "paper"
"""What a board is compared with, unless it is another store, an export or a commit."""
