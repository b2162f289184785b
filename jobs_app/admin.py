"""For administrators: schedulers, templates, limits; jobs to look at. Jobs are acted on by their verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from jobs_app import audit, job_templates, job_types
from jobs_app.errors import RoostError
from jobs_app.lifecycle import leaving
from jobs_app.lifecycle.actors import Actor
from jobs_app.lifecycle.restart import as_if_new
from jobs_app.models import (
    AuditEntry,
    CustomStatus,
    Job,
    Project,
    RetentionRule,
    Scheduler,
    Template,
    UserLimit,
)
from jobs_app.models.job import CALLERS

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class Audited(_ModelAdmin):
    """What is done here stands in the audit trail too, within the same transaction."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self._told(request, obj, super().log_addition(request, obj, message))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self._told(request, obj, super().log_change(request, obj, message))

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            audit.tell(request.user, f"Deleted the {obj._meta.verbose_name} {obj}.")
        return super().log_deletions(request, queryset)

    def _told(self, request: HttpRequest, obj: Any, entry: Any) -> Any:
        job = obj if isinstance(obj, Job) else None
        said = f"{obj._meta.verbose_name} {obj}: {entry.get_change_message()}"
        audit.tell(request.user, said[:1].upper() + said[1:], job)
        return entry


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Template
        fields = ("app", "name", "type", "parameters")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        try:
            given["type"] = job_types.type_name(given.get("type"))
            given["parameters"] = job_types.checked_parameters(given["type"], given.get("parameters") or {})
        except RoostError as error:
            raise ValidationError(str(error)) from None
        self._refuse_a_name_of_the_code(given)
        return given

    def _refuse_a_name_of_the_code(self, given: dict[str, Any]) -> None:
        same = Template.objects.filter(
            app=given.get("app"), name=given.get("name"), from_code=True, current=True
        )
        if same.exists():
            raise ValidationError("The app's code declares a template of this name. Choose another one.")


@admin.register(Template)
class TemplateAdmin(Audited):
    """Those in code can be looked at; others are added here. A change makes a new version."""

    form = TemplateForm
    list_display = ("app", "name", "version", "type", "current", "from_code", "created")
    list_filter = ("app", "type", "current", "from_code")
    search_fields = ("app", "name")

    def has_change_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        mine = obj is None or (not obj.from_code and obj.current)
        return mine and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Template | None = None) -> bool:
        unused = obj is None or (not obj.from_code and not obj.jobs.exists())
        return unused and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Template, form: Any, change: bool) -> None:  # noqa: ARG002
        new = job_templates.add(obj.app, obj.name, obj.type, obj.parameters)
        obj.pk, obj.version = new.pk, new.version


admin.site.site_header = admin.site.site_title = "Roost"
admin.site.index_title = "Administration"

admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(Audited, UserAdmin):  # type: ignore[type-arg]
    """A user who has jobs is not deleted: the account is closed, and the jobs stay or are handed over."""

    actions = ("close_accounts",)

    @admin.action(description="Close these accounts; their jobs go on", permissions=["change"])
    def close_accounts(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        by = Actor(request.user.get_username()[:100], request.user.pk)
        for user in queryset.exclude(pk=request.user.pk):
            left = leaving.leave(user, by)
            hint = f"manage.py users leave {user.get_username()} --hand-over-to OTHER"
            messages.success(
                request, f"{user} is closed. {left.jobs} jobs stay theirs; to hand them over: {hint}"
            )


admin.site.unregister(Group)


@admin.register(Group)
class GroupsAdmin(Audited, GroupAdmin):
    """Who is in a group sees and acts on what is shared with it."""


@admin.register(AuditEntry)
class AuditAdmin(_ModelAdmin):
    """To look at: nobody changes what was done."""

    list_display = ("at", "who", "via", "address", "job_id", "what")
    list_filter = ("via",)
    search_fields = ("who", "=job_id")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Job)
class JobAdmin(Audited):
    """To look at. Rows are deleted with their directories."""

    list_display = ("id", "name", "app", "type", "user", "cached_status", "status_message", "creation_time")
    list_filter = ("_status", "type", "app")
    search_fields = ("name", "address")
    list_select_related = ("user",)
    show_full_result_count = False
    raw_id_fields = ("user",)

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> list[str]:  # noqa: ARG002
        theirs = {"name", "description", "groups", *CALLERS} - {"user", "_process_results_function"}
        fields = [*Job._meta.fields, *Job._meta.many_to_many]
        return [field.name for field in fields if field.name not in theirs]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Their own deletion is told where it happens."""
        return admin.ModelAdmin.log_deletions(self, request, queryset)

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._delete(request, list(queryset))

    def _delete(self, request: HttpRequest, jobs: list[Job]) -> None:
        for job in jobs:
            try:
                job.delete(user=request.user)  # type: ignore[arg-type]  # signed in, or nobody gets here
            except RoostError as error:
                messages.error(request, str(error))


SECRETS = {
    "password": "Of the account there.",
    "private_key": "The text of a private key, where it lies in no file.",
    "private_key_pass": "Opens the private key.",
}


class NeverShown(forms.Textarea):
    """As a password's field: what was sent does not come back."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:  # noqa: ARG002
        return super().get_context(name, "", attrs)


def _secret_field(widget: type[forms.Widget]) -> forms.CharField:
    return forms.CharField(required=False, strip=False, widget=widget)


class SchedulerForm(forms.ModelForm):  # type: ignore[type-arg]
    """Secrets go in and never come out: an empty field keeps what is there."""

    new_password = _secret_field(forms.PasswordInput)
    new_private_key = _secret_field(NeverShown)
    new_private_key_pass = _secret_field(forms.PasswordInput)
    forget = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name) for name in SECRETS],
        widget=forms.CheckboxSelectMultiple,
        help_text="These are deleted.",
    )

    class Meta:
        model = Scheduler
        fields = (
            *("name", "kind", "position", "host", "port", "username", "private_key_path", "certificate_path"),
            *("use_agent", "ssh_config", "host_key", "jump", "jump_host_key", "remote_root", "options"),
            *("paused", "draining", "draining_why", "max_attempts", "max_slices", "max_attempts_per_user"),
            *("max_slices_per_user", "logins_per_hour"),
        )
        widgets = {
            name: forms.Textarea({"rows": 3, "cols": 80}) for name in ("host_key", "jump_host_key", "options")
        }
        help_texts = {
            "position": "Where it stands in lists.",
            "host": "The machine with condor_submit. Empty: HTCondor on this machine.",
            "username": "The account there.",
            "private_key_path": "A file on this machine.",
            "certificate_path": "Of OpenSSH, for the key.",
            "use_agent": "Also the keys of the SSH agent that the couriers find.",
            "ssh_config": "A file like ~/.ssh/config, for names and ways; empty: none is read.",
            "host_key": "The pinned one: ssh-ed25519 AAAA... What the host shows is seen, and pinned, by "
            "manage.py schedulers edit NAME --host-key.",
            "jump": "The way there: user@gate.example:22, inner.example",
            "jump_host_key": "The keys of those hosts, a line each, in the same order.",
            "remote_root": "The folder there, from the account's home directory on.",
            "options": "JSON; see docs/htcondor.md.",
            "paused": "Why nothing is sent. Emptied: it is tried anew.",
            "draining": "No new jobs go there; what runs goes on.",
            "draining_why": "Shown beside the jobs that wait.",
            "max_attempts": "Jobs there at once; empty: no limit.",
            "max_slices": "Slices there at once; empty: no limit.",
            "max_attempts_per_user": "Of one user; others may be named below.",
            "max_slices_per_user": "Of one user; others may be named below.",
            "logins_per_hour": "More are not tried, whatever happens.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, what in SECRETS.items():
            is_kept = bool(getattr(self.instance, name))
            said = "One is kept; leave this empty to keep it." if is_kept else "None is kept."
            self.fields[f"new_{name}"].help_text = f"{what} {said}"

    @property
    def secrets(self) -> dict[str, str]:
        """Those that are new, or deleted."""
        forgotten = dict.fromkeys(self.cleaned_data.get("forget", ()), "")
        typed = {name: self.cleaned_data.get(f"new_{name}") or "" for name in SECRETS}
        return {**forgotten, **{name: text.replace("\r\n", "\n") for name, text in typed.items() if text}}


class UserLimits(admin.TabularInline):  # type: ignore[type-arg]
    """Of users who may have another share of the pool than the others."""

    model = UserLimit
    raw_id_fields = ("user",)
    extra = 0


_LIMITS = ("max_attempts", "max_slices", "max_attempts_per_user", "max_slices_per_user", "logins_per_hour")
_SINCE = ("paused_by", "paused_since", "draining_since")
_SEEN = (
    *("courier", "courier_until", "last_contact", "last_error", "failures", "retry_at"),
    *("login_hour", "logins_in_hour", "logins_today"),
)


@admin.register(Scheduler)
class SchedulerAdmin(Audited):
    """What the couriers know is shown; how a pool is reached is changed here."""

    form = SchedulerForm
    inlines = (UserLimits,)
    list_display = ("name", "kind", "host", "paused", "draining", "last_contact", "last_error")
    ordering = ("position", "id")
    readonly_fields = (*_SEEN, *_SINCE)
    fieldsets = (
        (None, {"fields": ("name", "kind", "position")}),
        ("Where it is", {"fields": ("host", "port", "username", "host_key", "remote_root", "options")}),
        (
            "What lets us in",
            {
                "fields": (
                    *("private_key_path", "certificate_path", "use_agent"),
                    *(f"new_{name}" for name in SECRETS),
                    "forget",
                )
            },
        ),
        ("The way there", {"fields": ("jump", "jump_host_key", "ssh_config")}),
        ("How much", {"fields": _LIMITS}),
        ("Whether it takes jobs", {"fields": ("paused", "draining", "draining_why", *_SINCE)}),
        ("As its courier sees it", {"fields": _SEEN}),
    )

    @method_decorator(sensitive_post_parameters(*(f"new_{name}" for name in SECRETS)))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """An error's report says none of them."""
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Scheduler, form: Any, change: bool) -> None:
        """Only what was changed: its courier writes the same row. A person has acted, so it is tried anew."""
        for name, text in form.secrets.items():
            setattr(obj, name, text)
        if not change:
            super().save_model(request, obj, form, change)
            return
        theirs = {field.name for field in Scheduler._meta.concrete_fields}
        obj.save(update_fields=sorted({*form.changed_data, *form.secrets} & theirs))
        as_if_new(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Scheduler | None = None) -> bool:
        used = obj is not None and (obj.kind == Scheduler.EMBEDDED or obj.attempts.exists())
        return not used and super().has_delete_permission(request, obj)


@admin.register(Project)
class ProjectAdmin(Audited):
    list_display = ("name", "app", "path", "owner", "created")
    readonly_fields = ("name", "path", "app", "created")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        empty = obj is not None and not obj.jobs.exists()
        return empty and super().has_delete_permission(request, obj)


@admin.register(RetentionRule)
class RetentionRuleAdmin(Audited):
    list_display = ("app", "user", "keep", "days", "size_mb", "max_jobs", "max_active", "max_size_mb")
    raw_id_fields = ("user",)


@admin.register(CustomStatus)
class CustomStatusAdmin(Audited):
    list_display = ("app", "text", "category")
    list_filter = ("app", "category")
