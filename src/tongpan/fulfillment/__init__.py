"""Routing of orders to nodes, fulfilments and their dispatch."""
