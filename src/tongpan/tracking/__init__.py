"""What people do before they order: visits to stores, what they try, and how many come through the door."""
