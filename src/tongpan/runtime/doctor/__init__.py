"""What is wrong with an installation, in plain sentences.

Every check is a small function that returns findings and never raises for what it looks for. Checks of the machine
come first and need nothing; those of the database need it to answer (``examination``).
"""
