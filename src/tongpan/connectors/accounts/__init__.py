"""Accounts of shops on sales platforms: how they are kept, pulled from and pushed to."""
