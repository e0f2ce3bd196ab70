"""The files of data sets on disk: where they lie, how they are checked, got and read."""
