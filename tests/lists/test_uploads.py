from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.test import RequestFactory

from lists.pictures import MOST_UPLOADED


class TestUploads:
    def test_of_all_files_of_a_request_one_megabyte_is_kept_and_none_on_disk(self) -> None:
        sent = {
            "small": SimpleUploadedFile("a.png", b"abc"),
            "large": SimpleUploadedFile("b.png", bytes(3 * MOST_UPLOADED)),
            "late": SimpleUploadedFile("c.png", b"def"),
        }
        request = RequestFactory().post("/", {**sent, "name": "Roses"})

        files: dict[str, Any] = request.FILES.dict()
        assert request.POST["name"] == "Roses"
        assert files["small"].read() == b"abc"
        assert files["large"].size == MOST_UPLOADED + 1 - 3
        assert files["late"].size == 0
        assert all(isinstance(each, InMemoryUploadedFile) for each in files.values())
