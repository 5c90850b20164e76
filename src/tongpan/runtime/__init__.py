"""What keeps an installation running: its own PostgreSQL, its processes, its readers, its doctor."""
