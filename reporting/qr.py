"""A link as a QR code, for paper: letters, parcels, posters."""

from dataclasses import dataclass

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]

QUIET_ZONE = 4  # modules; ISO/IEC 18004 asks for four


@dataclass(frozen=True, slots=True)
class QrCode:
    """What an SVG needs: the side of its view box in modules, and one path of all dark runs."""

    side: int
    path: str


def qr_code(text: str) -> QrCode:
    """`text` (at most some 2,000 characters) as a QR code that survives 15 % damage."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    matrix: list[list[bool]] = code.get_matrix()
    runs = [_runs(row, y) for y, row in enumerate(matrix)]
    return QrCode(len(matrix), "".join(runs))


def _runs(row: list[bool], y: int) -> str:
    """The dark runs of a row, each a rectangle one module high."""
    path, start = "", None
    for x, is_dark in enumerate([*row, False]):
        if is_dark and start is None:
            start = x
        elif not is_dark and start is not None:
            path += f"M{start} {y}h{x - start}v1H{start}z"
            start = None
    return path
