"""The REST channel: what programs tell us, and ask about addresses. What they read of the ledger is `reporting.rest`."""
