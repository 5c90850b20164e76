"""Reading tables from files: containers, encodings, records, headers."""
