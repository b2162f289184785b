from __future__ import annotations

from tests.pool.fixtures import condor_pool

__all__ = ["condor_pool"]
