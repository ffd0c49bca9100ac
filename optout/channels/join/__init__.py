"""Joining a list: the form, and the link in the mail that it leads to (S2.2)."""
