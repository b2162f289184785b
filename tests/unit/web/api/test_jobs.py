from __future__ import annotations

from jobs_app.models import Job

ONE = {"app": "examples.ising", "template": "ising", "name": "cool {id}"}


def test_one_job_is_made_from_a_template(api_of, alice):
    answer = api_of(alice).call("POST", "/jobs", ONE)
    assert answer.status_code == 201
    (made,) = answer.json()["jobs"]
    job = Job.objects.get(pk=made["id"])
    assert (job.user, job.name, job.cached_status) == (alice, f"cool {job.pk}", "Pending")


def test_many_jobs_are_made_in_one_call(api_of, alice):
    many = [{"name": f"s{seed}", "parameters": {"options": {"seed": seed}}} for seed in range(20)]
    answer = api_of(alice).call(
        "POST",
        "/jobs",
        {"app": "examples.ising", "template": "ising", "jobs": many, "parameters": {"slices": 2}},
    )
    assert answer.status_code == 201
    seeds = [job.parameters["options"]["seed"] for job in Job.objects.order_by("pk")]
    assert seeds == list(range(20))
    assert {job["slices"]["total"] for job in answer.json()["jobs"]} == {2}
