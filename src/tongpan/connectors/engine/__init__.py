"""The pure half of the importer: cells to values, values to fields, rows to documents."""
