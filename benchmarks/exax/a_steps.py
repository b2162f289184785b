options = {"x": 0}


def prepare():
    return options.x


def analysis(sliceno, prepare_res):
    return prepare_res + sliceno


def synthesis(analysis_res):
    return analysis_res.merge_auto()
