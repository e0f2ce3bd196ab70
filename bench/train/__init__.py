"""Training one trial: build it, run its epochs, keep checkpoints, bring its model back."""
