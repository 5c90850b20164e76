"""The lake: Parquet files that a manifest in PostgreSQL lists; one writer, any number of readers.

tables.py    what each table holds and where it comes from        writer.py   replaces partitions, never half
extract.py   PostgreSQL to DuckDB, many partitions in one pass    sweep.py    deletes what nobody reads any more
files.py     paths and durable files                              verify.py   proves that lake and database agree
manifest.py  which files are current                              session.py  one DuckDB per process, for readers
"""
