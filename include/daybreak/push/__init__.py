"""Push: predictions that are sent and not kept."""
