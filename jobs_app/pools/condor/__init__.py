"""HTCondor: the same verbs as every pool, over a shell on an access point."""

from .pool import CondorPool

__all__ = ["CondorPool"]
