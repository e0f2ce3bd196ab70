"""Where a trial stands on a board: its row, column and scope."""
