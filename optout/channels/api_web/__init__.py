"""`api_web`: the old HTTP command by which mailers' scripts unsubscribe, subscribe and look up (S4.1–S4.20).

Scripts of fifteen years call it and none of them can be changed: what looks odd here is what they send and how they read the
answers (docs/channels/api-web.md). Each oddity is named where it is served, and pinned by a recorded request in the tests.
"""
