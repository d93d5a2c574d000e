"""Measurements side by side, each one command. Nothing imports this package."""
