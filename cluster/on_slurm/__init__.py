"""SLURM: what a job runs, from its batch script to its worker."""
