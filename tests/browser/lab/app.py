from jobs_app.sdk.base import AppBase
from jobs_app.sdk.jobs import CondorJobTemplate, JobTemplate, ScriptJobTemplate


class Lab(AppBase):
    """What the tests in a browser run."""

    name = "Weather lab"

    def job_templates(self) -> tuple[JobTemplate, ...]:
        return (
            ScriptJobTemplate(
                "forecast", {"method": "forecast", "description": "The weather of the next days"}
            ),
            ScriptJobTemplate("storm", {"method": "storm", "slices": 4, "description": "Ends badly"}),
            ScriptJobTemplate("gallery", {"method": "gallery", "description": "A file of each kind"}),
            CondorJobTemplate(
                "convert", {"executable": "/bin/cat", "description": "Puts its input files together"}
            ),
        )
