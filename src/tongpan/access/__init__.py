"""Users, roles, API keys, audit trail and the vault for personal data."""
