"""Warehouse: the one place that knows the database."""
