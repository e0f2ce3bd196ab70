"""The board beside the paper's numbers: verdicts by cell, and claims."""
