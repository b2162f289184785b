from jobs_app.sdk.base import AppBase
from jobs_app.sdk.jobs import JobTemplate, ScriptJobTemplate


class Ising(AppBase):
    """The two-dimensional magnet, simulated and compared with its exact solution."""

    name = "Ising magnet"
    package = "examples.ising"

    def job_templates(self) -> tuple[JobTemplate, ...]:
        return (
            ScriptJobTemplate(
                name="ising",
                parameters={
                    "method": "ising",
                    "slices": 24,
                    "description": "The two-dimensional Ising magnet beside its exact solution",
                },
            ),
        )
