"""What is likely to be needed, and where stock should therefore go."""
