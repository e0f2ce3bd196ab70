"""SLURM: from a job's batch script to its worker."""
