"""The same script as its twin in benchmarks/exax."""

options = {"x": 0}


def synthesis(options):
    return options.x
