"""Hundreds of faults in a Roost at work: real HTCondor over SSH, PostgreSQL, Redis, two workers, many jobs.

`python -m tests.faults.soak --injections 1000 --seed 1`. While jobs come and go, one fault after another is
drawn by the seed and done to the world. HTCondor's own log of the whole pool, which Roost does not read, is
the witness: what was submitted, what ended how. At the end all faults are undone and every job is asked for
its end and its results.

    world      what runs: pool, servers, workers, disks of a known size
    work       the jobs: what they do, what must come of them
    witness    what the pool itself says
    faults     what is done to the world, a function each
    verdict    what must be true
"""
