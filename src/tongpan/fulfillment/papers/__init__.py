"""The papers of a store's work as PDF: pick list, packing slip, address label, pickup slip."""
