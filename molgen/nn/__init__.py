"""Blocks that two families use."""
