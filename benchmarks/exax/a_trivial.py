options = {"x": 0}


def synthesis():
    return options.x
