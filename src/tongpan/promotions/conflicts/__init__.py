"""The check before launch: what the rules of all channels together would do, found before customers find it."""
