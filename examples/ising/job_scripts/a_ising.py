"""Slices simulate the temperatures of a square magnet; synthesis compares them with the exact solution."""

from __future__ import annotations

import csv
from math import sqrt

from jobs_app.script import OptionNumber, status

from . import _exact as exact
from . import _picture as picture
from ._magnet import Magnet

description = """The two-dimensional Ising magnet, beside its exact solution.

Every slice simulates some of the temperatures (Metropolis, all spins up at the start). Synthesis writes the
table (table.json, table.csv) and the picture (magnet.png), and fails where the simulation is further from
Onsager's exact solution than `tolerance`.
"""

options = {
    "size": OptionNumber(128, least=4, most=4096),  # spins a side
    "temperatures": OptionNumber(24, least=4),
    "sweeps": OptionNumber(6000, least=1),  # chances that each spin gets to turn, at each temperature
    "seed": 1,
    "tolerance": OptionNumber(0.02, least=0),  # how far from the exact solution the results may be
}

# A change in one of these files is a change of the script: what it has computed is computed anew.
depend_extra = ("_exact.py", "_magnet.py", "_picture.py", "_drawing.py", "_lettering.py")

LOWEST, HIGHEST = 1.5, 3.5
SHOWN = (2.0, exact.CRITICAL, 2.45, 3.2)
BLOCKS = 20  # for the errors: the means of so many pieces of the run


def prepare():
    """The temperatures, closer to each other near the critical one, which is among them."""
    below = options.temperatures // 2
    above = options.temperatures - below - 1
    return [
        *(_towards(LOWEST, k / below) for k in range(below)),
        exact.CRITICAL,
        *reversed([_towards(HIGHEST, k / above) for k in range(above)]),
    ]


def analysis(sliceno, slices, prepare_res):
    mine = prepare_res[sliceno::slices]
    return [simulate(temperature) for temperature in mine]


def synthesis(job, analysis_res):
    runs = sorted(analysis_res.merge_auto(), key=lambda run: run["temperature"])
    spins = {run["temperature"]: run.pop("spins") for run in runs}
    table = make_table(runs)
    with job.open("magnet.png", "wb") as file:
        picture.draw(table, {t: spins[t] for t in shown(spins)}).write_png(file)
    with job.open("table.csv", "w") as file:
        writer = csv.DictWriter(file, list(runs[0]))
        writer.writeheader()
        writer.writerows(runs)
    job.json_save(table, "table.json")
    return report(table)


def simulate(temperature):
    magnet = Magnet(options.size, temperature, f"{options.seed}/{temperature:.6f}")
    warm_up = options.sweeps // 5
    moments, energies = [], []
    with status(f"T = {temperature:.3f}: warming up") as update:
        for sweep in range(-warm_up, options.sweeps):
            magnet.sweep()
            if sweep >= 0 and sweep % 4 == 0:
                moments.append(abs(magnet.magnetisation()))
                energies.append(magnet.energy())
            if sweep % 200 == 0:
                update(f"T = {temperature:.3f}: {max(0, sweep)} of {options.sweeps} sweeps")
    print(f"T = {temperature:.3f}: magnetisation {mean(moments):.4f}, energy {mean(energies):.4f}")
    return {
        "temperature": temperature,
        "magnetisation": mean(moments),
        "magnetisation_error": error(moments),
        "energy": mean(energies),
        "energy_error": error(energies),
        "spins": magnet.rows(),
    }


def make_table(runs):
    deviations = exact.deviations(runs)
    return {
        "size": options.size,
        "sweeps": options.sweeps,
        "seed": options.seed,
        "tolerance": options.tolerance,
        "critical": exact.CRITICAL,
        "deviations": deviations,
        "agrees": max(deviations.values()) <= options.tolerance,
        "rows": runs,
    }


def report(table):
    summary = {key: table[key] for key in ("size", "sweeps", "seed", "tolerance", "deviations", "agrees")}
    print(f"Furthest from the exact solution: {table['deviations']} (allowed: {table['tolerance']})")
    if not table["agrees"]:
        raise ValueError(
            f"The simulation disagrees with the exact solution: {summary}. More sweeps may help."
        )
    return summary


def shown(temperatures):
    return sorted({min(temperatures, key=lambda t: abs(t - wanted)) for wanted in SHOWN})


def mean(values):
    return sum(values) / len(values)


def error(values):
    """Of the mean, from the means of pieces that are longer than the magnet's memory."""
    length = max(1, len(values) // BLOCKS)
    means = [mean(values[k : k + length]) for k in range(0, len(values) - length + 1, length)]
    centre = mean(means)
    return sqrt(sum((value - centre) ** 2 for value in means) / max(1, len(means) - 1) / len(means))


def _towards(end, share):
    """From `end` (share 0) to the critical temperature (share 1), in steps that become smaller."""
    return exact.CRITICAL + (end - exact.CRITICAL) * (1 - share) ** 1.5
