"""What a file looks like inside, without running anything of it. No Django: the readers of Parquet and
HDF5 run as a process of their own, with limits, because a file may be made to harm its reader."""
