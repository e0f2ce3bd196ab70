"""Exit codes by which a worker tells its batch script what to do with the job; any other one means that it died."""

from __future__ import annotations

DONE = 0
FAULT = 74
"""A fault of the machine stopped it: like a death, tried again a few times."""
GO_ON = 75
"""There is more to do: queue the job again."""
UNFIT = 78
"""The node doesn't see the store or the code."""
NO_GPU = 79
"""The node lacks the GPUs that were asked for."""
FINAL = (DONE, UNFIT, NO_GPU)
"""Another try would end in the same way."""
