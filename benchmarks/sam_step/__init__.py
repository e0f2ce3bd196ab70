"""What benchmarks/step.py compares, on what."""
