"""A real SLURM cluster on one machine, and the tests that need one."""
