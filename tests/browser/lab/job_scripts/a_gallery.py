"""Leaves a file of each kind that a page can show, and builds another job on the way."""

import json
import math

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs_app.script.subjobs import build

from .a_forecast import picture

depend_extra = ("a_forecast.py",)

NOTES = """# Notes

What was **measured**, and *how*:

1. the wind
2. the rain

| station | gusts |
|---|---|
| Oslo | 12 |
| Bergen | 31 |

```
python -m gallery
```
"""


def prepare():
    print("The gallery is \033[1mopen\033[0m.")


def synthesis(job):
    build("forecast", days=9)
    table = {"time": [t / 10 for t in range(400)], "wave": [math.sin(t / 25) for t in range(400)]}
    pq.write_table(pa.table({**table, "station": ["Tromsø"] * 400}), job.filename("waves.parquet"))
    with h5py.File(job.filename("field.h5"), "w") as file:
        file.attrs["made by"] = "gallery"
        group = file.create_group("weather")
        group["wind"] = np.sin(np.arange(300) / 20) * 8
        group["rain"] = np.arange(1200).reshape(300, 4) % 7
    with job.open("notes.md", "w") as file:
        file.write(NOTES)
    with job.open("log.txt", "w") as file:
        file.writelines(f"\033[3{n % 8}mline {n}\033[0m has {'word ' * (n % 30)}\n" for n in range(80))
    with job.open("deep.json", "w") as file:
        json.dump({"stations": [{"name": "Oslo", "at": [59.9, 10.7]}], "on": True, "note": None}, file)
    with job.open("sky.png", "wb") as file:
        file.write(picture(320, 120))
    with job.open("thing.bin", "wb") as file:
        file.write(bytes(range(256)) * 8)
