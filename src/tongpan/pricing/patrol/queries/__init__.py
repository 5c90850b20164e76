"""Reads of the patrol: one module for each thing that is looked at."""
