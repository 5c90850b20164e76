"""Whether promises are kept: now and over a period, by node, why not, and how long each step takes (FUL-15)."""
