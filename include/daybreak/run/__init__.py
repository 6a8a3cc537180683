"""Run: one run from plan to publication, and again."""
