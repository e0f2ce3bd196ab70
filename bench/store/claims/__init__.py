"""Claims: who is working on a trial, and how others tell whether they are alive."""
