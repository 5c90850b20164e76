"""Exchange of files with ERP and WMS: folders that are watched, and files that are laid out for them."""
