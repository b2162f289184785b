"""The same script as its twin in benchmarks/exax."""

options = {"x": 0}


def prepare(options):
    return options.x


def analysis(sliceno, prepare_res):
    return prepare_res + sliceno


def synthesis(analysis_res):
    return analysis_res.merge_auto()
