"""Batch: rows on their way, as Arrow, a chunk at a time."""
