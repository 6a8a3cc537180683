"""Ledger: what ran on what, and what came of it."""
