"""Talks while it works, and leaves a table and a picture behind."""

import csv
import datetime
import struct
import time
import zlib
from pathlib import Path

from jobs_app.script import status
from jobs_app.script.options import OptionEnum

options = {
    "days": 5,  # how far ahead
    "model": OptionEnum("coarse fine").coarse,
    "stations": ["Oslo", "Bergen"],
    "offsets": {"Oslo": 0.5},
    "start": datetime.date(2026, 1, 31),
    "with rain": True,
    "wait for": "",  # a file: it works until that is there
}


def analysis(sliceno, slices):
    print(f"\033[32mslice {sliceno} of {slices}\033[0m looks at {options.stations}")
    with status("looking at the sky"):
        end = time.monotonic() + 60
        while options["wait for"] and not Path(options["wait for"]).exists() and time.monotonic() < end:
            time.sleep(0.02)
    print("The sky was looked at.")
    return [(day, 10 + day * 0.5) for day in range(sliceno, options.days, slices)]


def synthesis(job, analysis_res):
    days = sorted(analysis_res.merge_auto())
    with job.open("forecast.csv", "w") as file:
        csv.writer(file).writerows([("day", "degrees"), *days])
    job.json_save({"days": days}, "forecast.json")
    with job.open("sky.png", "wb") as file:
        file.write(picture(160, 90))
    return len(days)


def picture(width, height):
    rows = b"".join(b"\0" + bytes((90 + y, 150 + y // 2, 220)) * width for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in pieces
    )
