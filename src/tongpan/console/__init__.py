"""The web console: thin views over actions and queries."""
