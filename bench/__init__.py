"""Measures Packline against the bare limits of its parts, as ratios within one run."""
