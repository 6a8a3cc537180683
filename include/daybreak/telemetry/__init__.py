"""Telemetry: what a process says of its work while it works, in log lines and spans."""
