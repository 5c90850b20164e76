"""The composition root of the web process: which face answers which address."""
