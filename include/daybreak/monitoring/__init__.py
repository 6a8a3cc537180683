"""Monitoring: what happened afterwards, against what was predicted."""
