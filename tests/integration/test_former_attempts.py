"""What a former attempt printed and left can still be looked at when the job has run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs_app.models import Job
from jobs_app.pools.embedded.client import EmbeddedPool
from tests.embedded import end_all
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 120.0

# It fails as long as nobody has put a file beside it.
MOODY = """
from pathlib import Path

options = {"mood": ""}

def analysis(sliceno, job, options):
    good = Path(options.mood).exists()
    print(f"slice {sliceno} is", "good" if good else "\\033[31mbad\\033[0m <b>")
    with job.open("mood.txt", "w", sliceno) as file:
        file.write("good" if good else "bad")
    if sliceno == 1 and not good:
        raise ValueError("not today")
"""


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    return tmp_path / "mood"


@pytest.fixture
def failed(tmp_path: Path, mood: Path, settings: Any, new_app: NewApp, alice: User) -> Iterator[Job]:
    settings.ROOST_HOME = tmp_path / "home"
    manager = new_app(scripts={"a_moody.py": MOODY}).get_job_manager()
    job = manager.create_job(
        "moody", alice, job_type="SCRIPT", method="moody", slices=2, options={"mood": str(mood)}
    )
    job.execute()
    job.wait(timeout=SECONDS)
    assert job.cached_status == "Error"
    yield job
    end_all(tmp_path, EmbeddedPool(settings.ROOST_HOME / "pool"))


@pytest.fixture
def client(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def again(job: Job, how: str, mood: Path) -> None:
    mood.touch()
    getattr(job, how)()
    job.wait(timeout=SECONDS)
    assert (job.cached_status, job.number_of_attempts) == ("Complete", 2)


def test_a_job_that_was_submitted_again_still_shows_why_it_failed_what_it_printed_and_left(
    failed: Job, mood: Path, client: Client
) -> None:
    again(failed, "resubmit", mood)
    at = f"/jobs/{failed.pk}/attempts/1/"
    assert f'href="{at}"' in client.get(f"/jobs/{failed.pk}/").content.decode()
    assert f'href="{at}"' in client.get(f"/jobs/{failed.pk}/relations/").content.decode()
    assert "What part 1 printed" in client.get(at).content.decode()
    page = client.get(f"{at}?part=0").content.decode()
    assert "Attempt 1 of 2" in page
    assert "ValueError: not today" in page
    assert "bad</span> &lt;b&gt;" in page
    whole = b"".join(client.get(f"{at}output/1").streaming_content)  # type: ignore[attr-defined]
    assert whole.startswith(b"slice 1 is \033[31mbad\033[0m <b>\n")
    assert f'href="{at}files/mood.txt.0"' in page
    file = client.get(f"{at}files/mood.txt.0")
    assert b"".join(file.streaming_content) == b"bad"  # type: ignore[attr-defined]
    now = client.get(f"/jobs/{failed.pk}/files/mood.txt.0")
    assert b"".join(now.streaming_content) == b"good"  # type: ignore[attr-defined]


def test_of_a_rerun_the_output_of_the_slices_that_had_failed_stays(
    failed: Job, mood: Path, client: Client
) -> None:
    again(failed, "rerun_failed", mood)
    page = client.get(f"/jobs/{failed.pk}/attempts/1/").content.decode()
    assert "slice 1 is" in page
    assert "slice 0 is" not in page  # it was taken over


def test_the_attempt_that_counts_is_the_jobs_own_page(failed: Job, client: Client) -> None:
    assert client.get(f"/jobs/{failed.pk}/attempts/1/").headers["Location"] == f"/jobs/{failed.pk}/"
    assert client.get(f"/jobs/{failed.pk}/attempts/2/").status_code == 404
