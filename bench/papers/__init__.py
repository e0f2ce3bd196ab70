"""What publications report and how: a folder for each paper."""
