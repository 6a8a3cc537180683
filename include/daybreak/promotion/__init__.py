"""Promotion: which version is the champion, and why."""
