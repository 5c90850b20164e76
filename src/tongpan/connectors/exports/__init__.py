"""What leaves Tongpan as a table: streamed rows, personal data masked, in layouts that the importer reads back."""

from tongpan.connectors.exports.tables import TABLES, Filters, Table, rows_of
from tongpan.connectors.exports.writers import FORMATS, write

__all__ = ["FORMATS", "TABLES", "Filters", "Table", "rows_of", "write"]
