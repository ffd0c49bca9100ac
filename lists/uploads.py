"""Files that people send: kept in memory, and no more of them than anything here has a use for."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from lists.pictures import MOST_UPLOADED


class SmallFiles(FileUploadHandler):
    """Keeps the first megabyte of what a request brings in files, and one byte more, which tells that there was more.

    Django's own handlers write whatever comes to the disk before a view, or even the CSRF check, has looked at it.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._room = MOST_UPLOADED + 1  # of all files together
        self._file = BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep it as long as there is room; the rest is read and dropped, so that the browser gets its answer."""
        del start
        kept = raw_data[: self._room]
        self._room -= len(kept)
        self._file.write(kept)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        del file_size  # of what was sent, not of what was kept
        size = self._file.tell()
        self._file.seek(0)
        return InMemoryUploadedFile(
            self._file,
            self.field_name,
            self.file_name,
            self.content_type,
            size,
            self.charset,
            self.content_type_extra,
        )
