"""What publications report and how: one folder per paper."""
