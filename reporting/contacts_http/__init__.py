"""Contacts over HTTP in the two shapes that existing clients call (protocols.md): v1 in Atom, v2 in JSON."""
