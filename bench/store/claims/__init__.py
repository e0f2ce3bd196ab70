"""Claims: who works on a trial, and how others tell whether it lives."""
