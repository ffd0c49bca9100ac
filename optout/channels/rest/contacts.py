"""Contacts, as a program sees and changes them; DELETE puts one into Do Not Mail (S2.3)."""

from ninja import Router

router = Router(tags=["contacts"])
