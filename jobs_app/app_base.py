from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jobs_app import registry

if TYPE_CHECKING:
    from jobs_app.manager import JobManager


class AppBase:
    """An app that uses Roost: subclass it in the package's `app.py`.

    `job_templates()` may be a method, a classmethod, a staticmethod or a plain function. It is called when
    templates are first needed, never while apps load.
    """

    name: ClassVar[str] = ""  # for people
    package: ClassVar[str] = ""  # scopes the app's jobs; else the Python package
    label: ClassVar[str] = ""  # the same, another spelling

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        registry.register(cls)

    def job_templates(self) -> Any:
        return ()

    @classmethod
    def get_job_manager(cls) -> JobManager:
        from jobs_app.manager import JobManager

        return JobManager(cls)

    @classmethod
    def get_app_workspace(cls) -> Any:
        from jobs_app.workspaces import get_app_workspace

        return get_app_workspace(cls)

    @classmethod
    def get_user_workspace(cls, user: Any) -> Any:
        from jobs_app.workspaces import get_user_workspace

        return get_user_workspace(cls, user)
