"""Starting: a pipeline from what somebody has."""
