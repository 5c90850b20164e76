"""What the risk room logs."""

DIVERSION_FOUND = "diversion.found"
"""key: score id. payload: {"party", "score", "level"}. A dealer or shop reached a level that it did not have before."""
