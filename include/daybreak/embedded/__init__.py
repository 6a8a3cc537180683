"""Embedded: PostgreSQL with nothing to install."""
