"""SAM-ON: Müller et al. 2023, "Normalization Layers Are All That Sharpness-Aware Minimization Needs"."""
