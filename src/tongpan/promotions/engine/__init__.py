"""The pure promotion engine: a cart, a rulebook, a customer and an instant in; amounts and reasons out.

``language.read_rulebook`` reads a document, ``book.compile_book`` makes it fast, ``evaluate.evaluate`` applies it and
``explaining.explain`` says of every rule why it gave what it gave. docs/explanation/promotions.md states the algorithm.
"""
