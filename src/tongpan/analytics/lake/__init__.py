"""The lake: Parquet files that a manifest in PostgreSQL lists; one writer, any number of readers.

tables.py    what each table holds and where it comes from       writer.py   replaces partitions, never half
days.py      which days a pass looks at, in bounded parts        sweep.py    deletes what nobody reads any more
extract.py   PostgreSQL to DuckDB, many partitions in one pass   verify.py   proves that lake and database agree
files.py     paths and durable files                             session.py  one DuckDB per process, for readers
manifest.py  which files are current
"""
