"""Forms with files, by how long they are: what is refused is not read."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.test import Client


class Body(BytesIO):
    """As a browser sends it; and how much of it was taken."""

    taken = 0

    def read(self, *size):
        found = super().read(*size)
        self.taken += len(found)
        return found


FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n%b\r\n--x--\r\n'


@pytest.fixture
def send(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    settings.ROOST_LARGEST_UPLOAD, settings.ROOST_USER_UPLOADS = 5_000, 20_000
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)

    def send(path, size, user=None):
        if user:
            client.force_login(user)
            client.cookies["csrftoken"] = "a" * 32  # beside it the form's token is looked for
        body = Body(FORM % (b"a" * size))
        length = str(len(body.getvalue()))
        how = {"CONTENT_LENGTH": length, "CONTENT_TYPE": "multipart/form-data; boundary=x"}
        answer = client.request(**{"wsgi.input": body, "REQUEST_METHOD": "POST", "PATH_INFO": path, **how})
        return answer, body.taken

    return send


@pytest.mark.parametrize("path", ["/sign-in/", "/jobs/1/inputs/", "/new/", "/admin/login/", "/api/v1/jobs"])
def test_a_visitor_cannot_fill_the_disk(db, send, path):
    answer, taken = send(path, 2_000)
    assert (answer.status_code, taken) == (413, 0)
    assert b"too large" in answer.content


@pytest.mark.parametrize(
    ("path", "size", "refused"),
    [
        ("inputs", 15_000, False),
        ("inputs", 25_000, True),
        ("document", 4_000, False),
        ("document", 6_000, True),
    ],
)
def test_who_has_signed_in_sends_files_as_far_as_they_may_be(send, make_job, alice, path, size, refused):
    answer, taken = send(f"/jobs/{make_job().pk}/{path}/", size, alice)
    assert answer.status_code == (413 if refused else 403)  # it has no token
    assert bool(taken) is not refused
