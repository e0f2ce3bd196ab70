"""The tests of the examples, in which `example` stands for the user's module."""
