"""A real SLURM site of two nodes on this machine."""
