"""The PostgreSQL server that Tongpan runs for itself when no database URL is given."""
