"""What the tests of the Send editor have in common."""


def numbered(count: int) -> list[str]:
    """So many phone numbers."""
    return [f"+1202555{n:04}" for n in range(count)]
