"""Training: from the past to a registered version."""
