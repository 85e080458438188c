"""Simulated subjects with exact truth: anatomy, lesions, head, scanner, BIDS data set."""
