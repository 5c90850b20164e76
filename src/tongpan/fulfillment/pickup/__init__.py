"""Codes by which buyers fetch what is kept ready for them."""
