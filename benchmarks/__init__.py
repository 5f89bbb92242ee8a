"""Measurements: never part of the tests, always beside a peer in the same run."""
