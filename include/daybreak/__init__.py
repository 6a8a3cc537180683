"""Daybreak: batch inference whose every prediction is accounted for."""

__version__ = "0.1.0"
