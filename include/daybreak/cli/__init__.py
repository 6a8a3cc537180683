"""The command line: `daybreak …`."""
