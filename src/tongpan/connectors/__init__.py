"""File formats as declarative mappings, and the importer that reads them."""
