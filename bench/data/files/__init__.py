"""The files of data sets on disk: where they are, and how they are checked, downloaded and read."""
