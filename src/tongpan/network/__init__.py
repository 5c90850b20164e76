"""Nodes that hold and ship goods, their geography, and which shop they serve."""
