"""The command line: thin commands over actions and queries."""
