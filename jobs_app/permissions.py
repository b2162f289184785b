"""Who may do what to a job. Pages, API, callbacks, files and commands all ask here.

                                          read    act     edit
    its owner                             yes     yes     yes
    a group it is shared with, to read    yes
    a group it is shared with, to act     yes     yes
    staff, and who has the permission
    "jobs_app.jobs_table_actions"         yes     yes     yes
    a service's token (of its app)        yes     yes     yes
    the operator, at a terminal           yes     yes     yes
    anybody else                          is told that there is no such job

read: see it and its files. act: run, pause, stop, run again. edit: its document, its inputs, with whom it is
shared, and whether it is there at all. A token can do what its owner can, as far as its scopes reach. The
operator is whoever says so in a command (--as-operator): they have the shell, and history and audit tell it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from jobs_app import conf
from jobs_app.errors import UnknownJob
from jobs_app.models import Job, JobShare

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

READ, ACT, EDIT = "read", "act", "edit"
VERBS = (READ, ACT, EDIT)
ALL, NONE = frozenset(VERBS), frozenset[str]()
_OF_SHARES = {JobShare.READ: frozenset({READ}), JobShare.ACT: frozenset({READ, ACT})}

FEW = 2_000  # shares
MOST_GROUPS = 5  # that are asked about one by one

EVERYBODYS = "jobs_app.jobs_table_actions"
RUN_ANYTHING = "jobs_app.run_anything"

# What a token may be for. "jobs:write" covers act and edit.
SCOPES = {
    "jobs:read": "see jobs, their slices and their history",
    "jobs:write": "create jobs, act on them, change their documents",
    "files:read": "read files, output, results and datasets",
    "files:write": "upload inputs",
    "schedulers:read": "see the schedulers and their health",
    "notices:read": "see the notices, and of what you are told",
    "notices:write": "say of what you are told, and where",
    "tokens:read": "list tokens",
    "tokens:write": "make and revoke tokens",
}


@dataclass(frozen=True)
class Caller:
    """Who comes with a token: a person's (then no more than the person), or a service's of its own."""

    token: int
    name: str
    scopes: frozenset[str]
    user: AbstractUser | None = None
    app: str = ""  # a service's token may be for one app only

    @property
    def pk(self) -> int | None:
        return self.user.pk if self.user else None

    def get_username(self) -> str:
        """As a job's history tells it."""
        return f"{self.user.get_username()} (token {self.name})" if self.user else f"service {self.name}"


@dataclass(frozen=True)
class Operator:
    """Somebody at this installation's terminal who says that they act as its operator."""

    login: str
    pk: int | None = None  # of their own account

    def get_username(self) -> str:
        """As a job's history tells it."""
        return f"operator {self.login}"


if TYPE_CHECKING:
    Remote = AbstractUser | AnonymousUser | Caller  # by a page or the API
    Person = Remote | Operator


def allowed(person: Person, verb: str, job: Job, what: str = "jobs") -> bool:
    """`what`: "jobs", or "files" for what lies in the job's directory. A token has scopes for each."""
    return has_scope(person, f"{what}:{'read' if verb == READ else 'write'}") and verb in verbs(person, job)


def verbs(person: Person, job: Job) -> frozenset[str]:
    """What this person's relation to the job allows, whatever a token's scopes are."""
    return verbs_of(person, [job])[job.pk]


def verbs_of(person: Person, jobs: Sequence[Job]) -> dict[int, frozenset[str]]:
    """The same of many jobs, with no query for each."""
    if not is_somebody(person):
        return {job.pk: NONE for job in jobs}
    found = {job.pk: ALL if _has_all_of(person, job) else NONE for job in jobs}
    others = [pk for pk, known in found.items() if not known]
    if others and person.pk:
        shares = JobShare.objects.filter(job__in=others, group__user=person.pk)
        for pk, may in shares.values_list("job_id", "may"):
            found[pk] |= _OF_SHARES[may]
    return found


def _has_all_of(person: Person, job: Job) -> bool:
    return _is_owner(person, job) or _sees_all_of(person, job.app)


def has_scope(person: Person, scope: str) -> bool:
    """Who has signed in without a token has all of them."""
    return not isinstance(person, Caller) or scope in person.scopes


def is_somebody(person: Person) -> bool:
    if isinstance(person, Operator):
        return True
    if isinstance(person, Caller):
        return person.user is None or person.user.is_active
    return person.is_authenticated and person.is_active


def may_act(person: Person, job: Job) -> bool:
    return allowed(person, ACT, job)


def may_read(person: Person, job: Job) -> bool:
    return allowed(person, READ, job)


def may_make_for(person: Person, owner: AbstractUser) -> bool:
    """Jobs that belong to this owner: one's own, or those of everybody."""
    return is_somebody(person) and (person.pk == owner.pk or sees_all(person))


def may_run_anything(person: Person) -> bool:
    """Programs that no template declares run with the pool account's rights, so not everybody may."""
    if isinstance(person, Operator):
        return True
    user = person.user if isinstance(person, Caller) else person
    return is_somebody(person) and (user is None or user.is_staff or user.has_perm(RUN_ANYTHING))


def may_use(person: Person, app: str, template: str) -> bool:
    """Make jobs of this template: everybody, unless ROOST_TEMPLATE_USERS names who."""
    named = conf.template_users()
    allowed_ = named.get(f"{app}/{template}", named.get(app))
    if allowed_ is None or isinstance(person, Operator) or may_run_anything(person):
        return True
    user = person.user if isinstance(person, Caller) else person
    if user is None or not is_somebody(person):
        return False
    return bool({user.get_username(), *user.groups.values_list("name", flat=True)} & set(allowed_))


# --- which jobs -----------------------------------------------------------------------------------------


def sees_all(person: Person) -> bool:
    """Everybody's jobs, of whatever app."""
    return _sees_all_of(person, "")


def _sees_all_of(person: Person, app: str) -> bool:
    if isinstance(person, Operator):
        return True
    if isinstance(person, Caller):
        if person.user is None:
            return person.app in ("", app)
        person = person.user
    return bool(person.is_active and (person.is_staff or person.has_perm(EVERYBODYS)))


def _is_owner(person: Person, job: Job) -> bool:
    return person.pk is not None and job.user_id == person.pk


def readable(person: Person) -> QuerySet[Job]:
    """Every job that this person may see."""
    parts = readable_parts(person)
    return Job.objects.filter(reduce(or_, parts)) if parts else Job.objects.none()


def readable_parts(person: Person) -> list[Q]:
    """The same as conditions: a query each is quick where one query for all is not."""
    return [reason.condition for reason in reasons(person)]


@dataclass(frozen=True)
class Reason:
    """Why somebody sees some jobs: as their owner, or by shares with groups, or all of them (of an app)."""

    user: int | None = None
    app: str = ""
    groups: tuple[int, ...] = ()
    few: bool = False  # shares: then the database begins with them, else with the jobs
    but: int | None = None  # whose own jobs are not meant

    @property
    def condition(self) -> Q:
        return self.besides & self._shared if self.groups else self.besides

    @property
    def besides(self) -> Q:
        """Without the shares."""
        condition = Q() if self.user is None else Q(user=self.user)
        condition &= Q(app=self.app) if self.app else Q()
        return condition if self.but is None else condition & ~Q(user=self.but)

    @property
    def _shared(self) -> Q:
        shares = JobShare.objects.filter(group__in=self.groups)
        if self.few:
            return Q(pk__in=shares.values("job_id"))
        return Q(Exists(shares.filter(job=OuterRef("pk"))))


def reasons(person: Person) -> list[Reason]:
    if not is_somebody(person):
        return []
    if sees_all(person):
        return [Reason()]
    if isinstance(person, Caller) and person.user is None:
        return [Reason(app=person.app)]
    return [Reason(user=person.pk), *_shared_reasons(person.pk)]


def _shared_reasons(user: int | None) -> list[Reason]:
    links: Any = Group.user_set.through  # of users and groups
    groups = tuple(links.objects.filter(user=user).values_list("group_id", flat=True))
    if not groups:
        return []
    few = JobShare.objects.filter(group__in=groups)[: FEW + 1].count() <= FEW
    if few or len(groups) > MOST_GROUPS:
        return [Reason(groups=groups, few=few, but=user)]
    return [Reason(groups=(group,), but=user) for group in groups]


def seen(person: Person, ids: Iterable[int | None]) -> set[int]:
    """Those of these jobs that this person may see. One query, for there are few of them; `readable` is for
    the many. Who sees everything is believed without one, so the jobs have to be there."""
    wanted = {pk for pk in ids if pk is not None}
    if not wanted or not is_somebody(person):
        return set()
    if sees_all(person):
        return wanted
    return set(Job.objects.filter(_owned_or_shared(person), pk__in=wanted).values_list("pk", flat=True))


def _owned_or_shared(person: Person) -> Q:
    if isinstance(person, Caller) and person.user is None:
        return Q(app=person.app)
    shares = JobShare.objects.filter(job=OuterRef("pk"), group__user=person.pk)
    return Q(user=person.pk) | Q(Exists(shares))


def refuse_unseen(person: Person, ids: Iterable[int]) -> None:
    """Of jobs that this person may not see is said that they are not there."""
    wanted = set(ids)
    if not wanted:
        return
    seen = set(readable(person).filter(pk__in=wanted).values_list("pk", flat=True))
    if missing := sorted(wanted - seen):
        raise UnknownJob(f"There is no job {', '.join(map(str, missing))}.")
