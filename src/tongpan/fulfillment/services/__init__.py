"""Services beside the goods: appointments at stores, and service orders (installation, repair)."""
