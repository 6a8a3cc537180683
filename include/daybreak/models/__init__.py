"""Models: which version, whether it may be trusted, and loading it."""
