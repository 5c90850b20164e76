"""Channel and shop registry with its facets."""
