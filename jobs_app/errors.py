"""What can go wrong, by what the caller can do about it.

RoostError
 +- Unknown (KeyError)      a name that is not there:
 |                          UnknownTemplate, UnknownJobType, UnknownMethod, UnknownJob,
 |                          UnknownScheduler, UnknownApp
 +- Invalid (ValueError)    an input to be mended:
 |                          UnknownParameter, BadParameter, UnknownVariable, BadName, BadOptions,
 |                          BadStatePoint, DuplicateTemplate, ScriptError
 +- WrongState              not now: the job is in a state that does not allow it
 +- NotAllowed              not this user: PermissionError's case; QuotaExceeded says which limit,
 |                          NotYours whose the job is
 +- WouldBuild              build(why_build=True) found nothing to reuse; what differs is in the message
 +- JobFailed               the job ended badly; its reason is in the message
 +- JobHeld                 the job waits for a person; reason and cure are in the message
 +- NoAnswer                a pool was asked and nobody answered in time; asking again may help
 +- Damaged                 something on disk is not as it was written; repair is possible
 +- SecretLost              a password or key in the database that no key of ours opens; give it again
"""


class RoostError(Exception):
    """Anything that Roost says by itself."""


class Unknown(RoostError, KeyError):
    """A name that is not there."""

    def __str__(self) -> str:  # KeyError would quote the message
        return str(self.args[0]) if self.args else ""


class UnknownTemplate(Unknown):
    pass


class UnknownJobType(Unknown):
    pass


class UnknownMethod(Unknown):
    pass


class UnknownJob(Unknown):
    pass


class UnknownScheduler(Unknown):
    pass


class UnknownApp(Unknown):
    pass


class Invalid(RoostError, ValueError):
    """An input to be mended by the caller."""


class UnknownParameter(Invalid):
    pass


class BadParameter(Invalid):
    pass


class UnknownVariable(Invalid):
    pass


class BadName(Invalid):
    pass


class BadOptions(Invalid):
    pass


class BadStatePoint(Invalid):
    pass


class DuplicateTemplate(Invalid):
    pass


class ScriptError(Invalid):
    """A job script that cannot be used: which file, which line, why."""


class WrongState(RoostError):
    """The job is in a state that does not allow this."""


class NotAllowed(RoostError, PermissionError):
    """This user may not do this."""


class QuotaExceeded(NotAllowed):
    pass


class NotYours(NotAllowed):
    """The job is somebody else's."""


class WouldBuild(RoostError):
    """Nothing can be reused."""


class JobFailed(RoostError):
    """The job ended badly."""


class JobHeld(RoostError):
    """The job waits for a person."""


class NoAnswer(RoostError):
    """Nobody answered for a pool in time."""


class Damaged(RoostError):
    """Something on disk is not as it was written."""


class SecretLost(RoostError):
    """A secret in the database that cannot be opened."""
