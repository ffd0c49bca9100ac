"""Joining a list: the form, and the link in the mail that it leads to (S2.2)."""

from optout.consent_words import AGREE_FIELD, consent_words

__all__ = ["AGREE_FIELD", "consent_words"]
