"""Tests of trials, their ids and their variations."""
