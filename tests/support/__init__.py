"""What tests of several rooms share: a small company, its documents, and real processes."""
