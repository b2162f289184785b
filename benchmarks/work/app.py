from jobs_app.sdk.base import AppBase
from jobs_app.sdk.jobs import BasicJobTemplate, JobTemplate


class Work(AppBase):
    """The jobs that the benchmarks build."""

    name = "Benchmarks"

    def job_templates(cls) -> list[JobTemplate]:  # noqa: N805
        return [BasicJobTemplate(name="basic", parameters={"description": "nothing to run"})]
