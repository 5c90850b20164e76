"""Reads of diversion: what scores are made from, the scores, the register, and how dealers do."""
