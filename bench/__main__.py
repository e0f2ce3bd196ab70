"""`python -m bench` is the command `sambench`."""

from bench.cli import main

main()
