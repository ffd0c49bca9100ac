import gc
import struct
import zlib
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter, PngImagePlugin

from lists.models.logos import MOST_BYTES
from lists.pictures import MOST_UPLOADED, PictureError, read_picture
from tests.lists.pictures import opened, picture, written

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SCRIPT = b"<script>alert(1)</script>"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that say they are a large picture."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def png_full_of_words() -> bytes:
    """A few kB, of which 3 MB of text would be unpacked; of 1 MB it would be a thousand."""
    words = PngImagePlugin.PngInfo()
    for number in range(3):
        words.add_text(f"k{number}", "a" * 1_000_000, zip=True)
    return picture(pnginfo=words)


def pictures_in_memory() -> list[Image.Image]:
    return [each for each in gc.get_objects() if isinstance(each, Image.Image)]


def logo_with(colour: Any, dot: Any = (0, 0, 0, 0)) -> bytes:
    """A bar of that colour on clear ground, with a dot at its end."""
    image = Image.new("RGBA", (400, 100), (0, 0, 0, 0))
    image.paste(colour, (10, 10, 360, 90))
    image.paste(dot, (370, 10, 380, 20))
    return written(image)


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        "upload",
        [
            picture(),
            picture("RGB", kind="JPEG"),
            picture("CMYK", colour=(255, 0, 0, 0), kind="JPEG"),
            picture("L", colour=200),
            picture("1", colour=0),
            picture("LA", colour=(10, 90)),
            picture("P", colour=3, kind="GIF"),
            picture(kind="WEBP"),
            picture("I;16", colour=51_400),
        ],
        ids=["rgba", "jpeg", "cmyk", "grey", "bits", "grey-alpha", "gif", "webp", "16-bit"],
    )
    def test_every_kind_of_picture_becomes_one_that_pages_and_mails_can_show(
        self, upload: bytes
    ) -> None:
        found = read_picture(upload)
        assert (found.width, found.height) == (200, 50)
        assert found.media_type in {"image/png", "image/jpeg"}
        image = opened(found.content)
        assert (
            image.size == (200, 50) and f"image/{(image.format or '').lower()}" == found.media_type
        )

    def test_sixteen_bits_of_grey_stay_as_light_as_they_are(self) -> None:
        small = opened(read_picture(picture("I;16", colour=51_400)).content).convert("L")
        assert small.getpixel((3, 3)) == pytest.approx(200, abs=1)

    def test_it_is_fitted_and_alpha_is_kept(self) -> None:
        image = Image.new("RGBA", (4000, 1000), (0, 0, 0, 0))
        ImageDraw.Draw(image).ellipse((0, 0, 3999, 999), fill=(200, 0, 0, 255))
        found = read_picture(written(image))
        assert (found.width, found.height) == (480, 120)
        small = opened(found.content).convert("RGBA")
        corner, middle = small.getpixel((1, 1)), small.getpixel((240, 60))
        assert corner[3] == 0 and middle == (200, 0, 0, 255)  # type: ignore[index]

    def test_an_empty_rim_is_cut_off(self) -> None:
        image = Image.new("RGBA", (600, 600), (0, 0, 0, 0))
        image.paste((0, 0, 0, 255), (100, 250, 500, 350))
        found = read_picture(written(image))
        assert (found.width, found.height) == (400, 100)

    @pytest.mark.parametrize(
        "upload",
        [
            logo_with("#d8d8d8"),
            logo_with("#00ffff"),
            picture("RGB", size=(480, 120), colour="#111"),
        ],
        ids=["light-grey", "cyan", "dark"],
    )
    def test_what_is_light_and_still_seen_on_white(self, upload: bytes) -> None:
        assert read_picture(upload).width

    def test_small_letters_on_a_wide_white_sheet_are_seen(self) -> None:
        sheet = Image.new("RGB", (480, 120), "white")
        sheet.paste("black", (200, 50, 215, 60))
        assert read_picture(written(sheet)).width == 480

    def test_a_picture_that_lies_on_its_side_is_put_upright_and_tells_nothing_more(self) -> None:
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "SecretCamera"
        for kind in ("JPEG", "PNG", "WEBP"):
            found = read_picture(
                picture(
                    "RGB", size=(60, 90), kind=kind, exif=exif.tobytes(), icc_profile=b"x" * 500
                )
            )
            assert (found.width, found.height) == (90, 60)
            assert b"SecretCamera" not in found.content and b"xxxx" not in found.content
            assert not opened(found.content).getexif()

    def test_a_photograph_keeps_nothing_either(self) -> None:
        """What is written as JPEG again would take its comment and its colour profile along."""
        noise = Image.frombytes("RGB", (300, 100), Random(1).randbytes(90_000))
        upload = written(
            noise.filter(ImageFilter.GaussianBlur(3)),
            "JPEG",
            comment=b"SecretComment",
            icc_profile=b"SecretProfile" * 20,
        )
        found = read_picture(upload)
        assert found.media_type == "image/jpeg" and b"Secret" not in found.content

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF")
    @pytest.mark.parametrize(
        "exif",
        [b"garbage!", b"MM\x00*\x00\x00\xff\xff", b"II*\x00\x08\x00\x00\x00\xff\xff\x12\x01"],
    )
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_what_is_broken_beside_the_picture_does_no_harm(self, kind: str, exif: bytes) -> None:
        """Photographs that went through many programs have such EXIF."""
        found = read_picture(picture("RGB", kind=kind, exif=b"Exif\x00\x00" + exif))

        assert (found.width, found.height) == (200, 50)

    def test_a_moving_picture_stands_still(self) -> None:
        frames = [Image.new("RGB", (90, 30), colour) for colour in ("red", "green", "blue")]
        for kind in ("GIF", "WEBP", "PNG"):
            upload = written(frames[0], kind, save_all=True, append_images=frames[1:])
            still = opened(read_picture(upload).content)
            assert getattr(still, "n_frames", 1) == 1
            red, green, _blue = still.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
            assert red > 200 and green < 50

    def test_a_page_that_hides_behind_a_picture_does_not_come_through(self) -> None:
        comment = PngImagePlugin.PngInfo()
        comment.add_text("Comment", SCRIPT.decode())
        for upload in (
            picture() + SCRIPT,
            picture(pnginfo=comment),
            picture("RGB", kind="JPEG", comment=SCRIPT),
            picture("P", kind="GIF", comment=SCRIPT),
        ):
            assert b"script" not in read_picture(upload).content

    def test_even_noise_fits(self) -> None:
        noise = Image.effect_noise((480, 120), 200)
        for image in (noise, Image.merge("RGBA", [noise.rotate(90 * turn) for turn in range(4)])):
            assert len(read_picture(written(image)).content) <= MOST_BYTES


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "upload",
        [
            b"",
            b"GIF89a",
            b"\x00" * 5_000,
            SVG,
            b"<!doctype html>" + SCRIPT,
            b"%PDF-1.7",
            picture()[:60],
            picture("RGB", size=(400, 100), kind="JPEG")[:-400],
            picture(kind="WEBP")[:-10],
            picture(kind="TIFF"),
            picture("RGB", kind="BMP"),
            picture(kind="ICO", size=(64, 64)),
            png_full_of_words(),
        ],
        ids=[
            "nothing",
            "gif-head",
            "zeros",
            "svg",
            "html",
            "pdf",
            "cut-png",
            "cut-jpeg",
            "cut-webp",
            "tiff",
            "bmp",
            "ico",
            "words",
        ],
    )
    def test_what_is_no_picture_or_not_whole(self, upload: bytes) -> None:
        with pytest.raises(PictureError, match="cannot be read as a picture"):
            read_picture(upload)

    @pytest.mark.parametrize(
        "upload",
        [
            png_that_claims(60_000, 60_000),
            png_that_claims(12_000, 9_000),
            png_that_claims(4_000, 4_000),
            png_that_claims(20_000, 20),
            picture("1", size=(4_100, 4_000), colour=0),
            picture("L", size=(3_000, 3_000), colour=0, kind="JPEG", progressive=True),
            picture("RGB", size=(2_000, 2_000), kind="WEBP", method=0),
        ],
        ids=["bomb", "bomb-warning", "png", "wide", "bits", "progressive", "webp"],
    )
    def test_what_would_take_too_much_memory_is_never_decoded(self, upload: bytes) -> None:
        with pytest.raises(PictureError, match="too many pixels"):
            read_picture(upload)

    def test_a_file_that_is_too_large(self) -> None:
        with pytest.raises(PictureError, match="larger than 1 MB"):
            read_picture(b"\x89PNG" + b"\x00" * MOST_UPLOADED)

    @pytest.mark.parametrize("size", [(1, 1), (2_000, 10), (3, 3_000)])
    def test_a_dot_and_a_line(self, size: tuple[int, int]) -> None:
        with pytest.raises(PictureError, match="nothing would be seen"):
            read_picture(picture(size=size))

    @pytest.mark.parametrize(
        "upload",
        [picture(colour=(0, 0, 0, 0)), picture(size=(2_000, 10)), picture()[:60]],
        ids=["clear", "line", "cut"],
    )
    def test_whoever_keeps_the_reason_does_not_keep_the_picture(self, upload: bytes) -> None:
        """Of 20 refused uploads a process kept 50 MB each, until somebody looked for cycles."""
        before = {id(each) for each in pictures_in_memory()}
        gc.disable()
        try:
            with pytest.raises(PictureError) as caught:
                read_picture(upload)
            kept = [each for each in pictures_in_memory() if id(each) not in before]
        finally:
            gc.enable()

        assert caught.value.__context__ is None and not kept

    @pytest.mark.parametrize(
        "upload",
        [
            logo_with("white"),
            logo_with("#fffde7"),
            logo_with((40, 40, 40, 20)),
            logo_with("white", dot=(0, 0, 0, 255)),
            picture("RGB", colour="white", kind="JPEG"),
            picture("L", colour=228),
        ],
        ids=["white", "cream", "shadow", "dot", "sheet", "grey"],
    )
    def test_one_that_cannot_be_seen_on_white(self, upload: bytes) -> None:
        """The sender's name gives way to a broad logo: of this one, nobody would know whose page it is."""
        with pytest.raises(PictureError, match="Take the logo for light ground"):
            read_picture(upload)

    def test_one_on_which_there_is_nothing(self) -> None:
        with pytest.raises(PictureError, match="nothing to be seen"):
            read_picture(picture(colour=(0, 0, 0, 0)))
