"""Parts of pages that a program writes: `python -m tests.shared.pages.NAME`."""
