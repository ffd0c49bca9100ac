"""Pictures that people hand in, made harmless: decoded, and written anew small, without anything that was not picture.

A file can lie about what it is, and a few bytes can stand for gigabytes. So nothing is believed that decoding did not show, and
what decoding would cost is reckoned from the first bytes, before it begins.
"""

import io
import math
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from lists.models.logos import MOST_BYTES, MOST_HEIGHT, MOST_WIDTH

if TYPE_CHECKING:
    from PIL import Image

MOST_UPLOADED = 1024 * 1024  # bytes
_MOST_PIXELS = 16_000_000
_LONGEST_SIDE = 10_000  # pixels
_MOST_MEMORY = 52_000_000  # bytes, to decode it; with all else that is below 60 MB
# What decoding takes a pixel, measured: WebP holds the picture four times, a progressive JPEG all its coefficients; any other
# JPEG is made smaller on the way. The others by their mode: with a palette, in greys, in 16 bits of grey, or in colours.
_COSTS = {"WEBP": 16, "JPEG": 0, "MPO": 0}
_PROGRESSIVE = 8
_COSTS_OF_MODES = {"1": 1, "L": 1, "P": 1, "I;16": 2}
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_SMALLEST_SIDE = 8  # pixels, of what is kept: less is no logo, but a dot or a line
_ENOUGH = 1_000_000  # pixels that are worked with: the picture may have a wide empty rim
_LIGHTEST = 225  # of 255: what is lighter has a contrast to white below 1.3
_SHADOW = 64  # of 255: what is less opaque is a shadow of something
_FEWEST_SEEN, _LEAST_SEEN = 16, 0.03  # pixels; their share of those that are no shadow
_STRIP = 16  # rows of these that are made at a time

# Threads are many and memory is not: one picture of a process at a time.
_one_at_a_time = threading.Lock()


class PictureError(ValueError):
    """Why a picture is not taken: a sentence for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is stored."""

    content: bytes
    media_type: str
    width: int
    height: int


def read_picture(upload: bytes) -> Picture:
    """The picture of a file, fitted into 480 × 120 pixels and 16 KB; a moving one stands still. PictureError for all else."""
    if len(upload) > MOST_UPLOADED:
        raise PictureError(_("This file is larger than 1 MB. Save the picture smaller."))
    with _one_at_a_time:
        found = _picture_or_why_not(upload)
    if isinstance(found, str):
        raise PictureError(found)
    return found


def _picture_or_why_not(upload: bytes) -> Picture | str:
    """The reason is given back in words: an error keeps whatever it came through, and with it the decoded picture, until
    whoever shows it has done with it."""
    try:
        with closing(_decode(upload)) as small:
            return _written(small)
    except PictureError as error:
        return str(error)
    except Exception:  # noqa: BLE001  a decoder that is fed anything raises anything
        return _("This file cannot be read as a picture. Save it as PNG, JPEG, WebP or GIF.")


def _decode(upload: bytes) -> "Image.Image":
    """The picture, upright, without an empty rim, and no larger than it is kept."""
    from PIL import Image, PngImagePlugin  # 10 MB, which only a process that needs them has

    # else 64 MB of words can be packed beside the picture
    PngImagePlugin.MAX_TEXT_MEMORY = MOST_UPLOADED
    try:
        image = Image.open(io.BytesIO(upload), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    with closing(image):
        _check_size(image)
        image.draft("RGB", (2 * MOST_WIDTH, 2 * MOST_HEIGHT))  # nothing but a JPEG knows how
        image.load()
        small = _upright(_shrunk(image))
    if small.mode == "RGBA":
        box = small.getchannel("A").getbbox()
        if box is None:
            raise PictureError(_("There is nothing to be seen on this picture."))
        small = small.crop(box)
        if small.getchannel("A").getextrema() == (255, 255):
            small = small.convert("RGB")
    small.thumbnail((MOST_WIDTH, MOST_HEIGHT), Image.Resampling.LANCZOS)
    if min(small.size) < _SMALLEST_SIDE:
        raise PictureError(
            _("In 480 × 120 pixels, nothing would be seen of this picture. Take a larger one.")
        )
    small.info.clear()
    _check_seen(small)
    return small


def _check_seen(small: "Image.Image") -> None:
    """A logo stands on white, everywhere: one made for dark ground would leave an empty place where the sender's name was."""
    from PIL import Image

    visible = 0  # pixels, of a picture that lets the white through
    on_white = small
    if small.mode == "RGBA":
        alpha = small.getchannel("A")
        visible = sum(alpha.histogram()[_SHADOW:])
        on_white = Image.new("RGB", small.size, "white")
        on_white.paste(small, mask=alpha)
    seen = sum(on_white.convert("L").histogram()[:_LIGHTEST])
    # A light logo may have a dark dot, and a logo on a wide white sheet be small.
    if seen < max(_FEWEST_SEEN, visible * _LEAST_SEEN):
        raise PictureError(
            _("On white, nothing would be seen of this picture. Take the logo for light ground.")
        )


def _upright(image: "Image.Image") -> "Image.Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  what cameras and editors write there is often broken
        return image  # as it lies: nothing else of it is kept


def _check_size(image: "Image.Image") -> None:
    width, height = image.size
    cost = _COSTS.get(image.format or "", _COSTS_OF_MODES.get(image.mode, 4))
    if image.info.get("progressive") or image.info.get("progression"):
        cost = _PROGRESSIVE
    pixels = width * height
    if max(image.size) > _LONGEST_SIDE or pixels > _MOST_PIXELS or pixels * cost > _MOST_MEMORY:
        raise _too_large()


def _too_large() -> PictureError:
    return PictureError(
        _("This picture has too many pixels. Save it smaller: 960 × 240 pixels are plenty.")
    )


def _shrunk(image: "Image.Image") -> "Image.Image":
    """An RGB or RGBA picture of fewer pixels, made strip by strip: beside the whole there is no room for a copy."""
    from PIL import Image

    width, height = image.size
    factor = math.ceil(math.sqrt(width * height / _ENOUGH))
    mode = "RGBA" if image.has_transparency_data else "RGB"
    small = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, _STRIP * factor):
        strip = image.crop((0, top, width, min(height, top + _STRIP * factor)))
        small.paste(_plain(strip, mode).reduce(factor), (0, top // factor))
    small.info = image.info.copy()  # how it lies is said there
    return small


def _plain(strip: "Image.Image", mode: str) -> "Image.Image":
    if strip.mode.startswith("I"):  # 16 bits of grey; converting would cut the light ones off
        strip = strip.point(lambda value: value / 256).convert("L")
    return strip.convert(mode)


def _written(image: "Image.Image") -> Picture:
    """The picture in the best quality that fits: as it is, with fewer colours, then smaller."""
    from PIL import Image

    for scale in (1, 0.75, 0.5):
        size = (round(image.width * scale), round(image.height * scale))
        scaled = image.resize(size, Image.Resampling.LANCZOS) if scale < 1 else image
        for content, media_type in _ways_to_write(scaled):
            if len(content) <= MOST_BYTES:
                return Picture(content, media_type, scaled.width, scaled.height)
    raise PictureError(_("This picture has too much in it for a logo. Take a simpler one."))


def _ways_to_write(image: "Image.Image") -> "list[tuple[bytes, str]]":
    """(file, media type): without loss first. No WebP: the logo stands in mails, too."""
    from PIL import Image

    ways = [(_saved(image, "PNG", optimize=True), "image/png")]
    if image.mode == "RGB":
        ways += [
            (_saved(image, "JPEG", quality=quality, optimize=True), "image/jpeg")
            for quality in (90, 80)
        ]
    fewer = image.quantize(256, Image.Quantize.FASTOCTREE)
    return [*ways, (_saved(fewer, "PNG", optimize=True), "image/png")]


def _saved(image: "Image.Image", kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
