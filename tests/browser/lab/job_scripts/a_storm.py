"""One of its slices fails."""

options = {"strength": 12}


def analysis(sliceno):
    if sliceno == 2:
        raise ValueError(f"a gust of {options.strength} broke the mast <script>alert(1)</script>")
    return sliceno
