"""Sales platforms: one package each, with the signature, the calls and the conversion of orders."""
