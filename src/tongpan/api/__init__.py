"""The HTTP API: thin handlers over actions and queries."""
