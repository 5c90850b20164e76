"""How fast Tongpan is, against limits measured in the same run. ``make bench`` prints the table."""
