"""Training one trial: build it, run its epochs, write checkpoints, restore its model."""
