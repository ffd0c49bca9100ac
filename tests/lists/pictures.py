"""Picture files for tests."""

import io
from typing import Any

from PIL import Image


def picture(
    mode: str = "RGBA",
    size: tuple[int, int] = (200, 50),
    colour: Any = "#0b6e67",
    kind: str = "PNG",
    **options: Any,
) -> bytes:
    """A file with one colour in it."""
    return written(Image.new(mode, size, colour), kind, **options)


def written(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image
