"""Watching a study: what would run and why, what runs, and what it takes."""
