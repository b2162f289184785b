"""The samples of exax's documentation, as scripts of ours: only the root of their imports is changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from jobs_app.jobdir import files
from jobs_app.script.job import forget_all
from tests.integration.script_jobs import ScriptJob


class Make(Protocol):
    def __call__(self, source: str, **how: Any) -> ScriptJob: ...


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    yield lambda source, **how: ScriptJob(tmp_path, source, **how)
    forget_all()


@pytest.fixture
def given(tmp_path: Path) -> str:
    """An input directory."""
    folder = tmp_path / "input"
    (folder / "or" / "a").mkdir(parents=True)
    (folder / "thefile").write_bytes(b"input")
    return str(folder)


def test_values_are_saved_and_the_returned_one_as_well(make: Make) -> None:
    made = make(
        """
        def synthesis(job):
            data = {"a": 1}

            job.save(data)  # using default name "result.pickle"
            job.save(data, 'anothername.pickle')

            return data  # store data as "result.pickle"
        """
    ).run()
    job = made.job
    data = job.load("anothername.pickle")
    assert data == job.load() == {"a": 1}
    all_files = job.files()
    assert isinstance(all_files, set)
    assert {job.filename(name) for name in all_files} == job.files(absolute=True)
    assert job.files(absolute=True) == {f"{job.path}/result.pickle", f"{job.path}/anothername.pickle"}


def test_files_are_made_by_other_means_and_registered(make: Make) -> None:
    made = make(
        """
        import subprocess
        filename, mydata = "image.png", b"data"
        def prepare(job):
            with job.open("opened", 'wb') as fh:
                fh.write(mydata)
        def synthesis(job):
            open(filename, "wb").write(mydata)
            job.register_file(filename)
            # use external program to generate a movie file "out.mp4"
            subprocess.run(['sh', '-c', 'echo > out.mp4'])
            job.register_file('out.mp4')
            for n in range(1, 11):
                open("myfile%d.txt" % n, "w").close()
            return job.register_files("myfile*.txt")
        """
    ).run()
    many = {f"myfile{n}.txt" for n in range(1, 11)}
    assert made.job.load() == many
    assert made.job.files() == many | {"image.png", "opened", "out.mp4", "result.pickle"}


def test_a_file_is_handed_on_with_its_job(make: Make) -> None:
    job = make("def synthesis(job):\n    with job.open('somename', 'wt') as fh: fh.write('text')").run().job
    made = make(
        """
        from jobs_app.script import JobWithFile

        options = dict(thefile=JobWithFile())

        def synthesis():
            print('filename is', options.thefile.resolve())
            return options.thefile.job, options.thefile.name, options.thefile.open().read()
        """,
        arguments={"thefile": job.withfile("somename")},
    ).run()
    assert made.job.output() == f"filename is {job.path}/somename\n"
    assert made.job.load() == (job, "somename", "text")
    assert made.job.params.options.thefile == job.withfile("somename")


def test_a_running_job_knows_itself_and_its_surroundings(make: Make, given: str) -> None:
    made = make(
        """
        def synthesis(job):
            return (
                job.method, job.path, job.workdir, job.number,
                job.input_directory, job.input_directory(), job.result_directory,
                job.input_filename('thefile'), job.input_filename('or', 'a', 'path', 'to', 'thefile'),
                job.open_input('thefile', 'rb').read(),
            )
        """,
        input_directory=given,
        result_directory="/results",
    ).run()
    job = made.job
    assert made.job.load() == (
        "test",
        job.path,
        job.workdir,
        job.number,
        given,
        given,
        "/results",
        f"{given}/thefile",
        f"{given}/or/a/path/to/thefile",
        b"input",
    )


def test_ten_jobs_make_a_chain(make: Make) -> None:
    previous = None
    made = []
    for _ in range(10):
        job = make(
            """
            jobs = ('previous',)

            def synthesis(job):
                return len(job.chain())
            """,
            arguments={"previous": previous},
        ).run()
        previous = job.id
        made.append(job)
    assert made[-1].job.chain() == [each.id for each in made]
    assert made[-1].job.load() == 10


def test_parameters_are_declared_and_received(make: Make) -> None:
    before = make("def synthesis(): ...").run().id
    made = make(
        """
        options = dict(
            x=3,
            key='protomolecule',
            f = float,
        )
        datasets = ('source_dataset', 'anothersourceds',)
        jobs = ('previous_job', ['a_list_of_jobs',],)

        def synthesis():
            print(options.x, options.key, options.f)
            print(datasets.source_dataset.name)
            print(jobs.previous_job)
            print(jobs.a_list_of_jobs)
        """,
        arguments={
            "x": 37,
            "key": "some string",
            "f": 42.0,
            "source_dataset": f"{before}/ds",
            "previous_job": before,
            "a_list_of_jobs": [before, before],
        },
    ).run()
    assert made.job.output().splitlines() == [
        "37 some string 42.0",
        "ds",
        before,
        f"[{before!r}, {before!r}]",
    ]


def test_the_return_value_of_synthesis_is_the_result(make: Make) -> None:
    made = make(
        """
        options = dict(x=3)
        def synthesis():
            val = options.x * 2
            return dict(value=val, caption="this is a test")
        """,
        arguments={"x": 10},
    ).run()
    data = made.job.load()
    assert data["value"] == 20


def test_slices_are_merged_automatically(make: Make) -> None:
    made = make(
        """
        def analysis(sliceno, slices):
            print('This is slice %d/%d' % (sliceno, slices))
            return sliceno * sliceno

        def synthesis(analysis_res):
            x = analysis_res.merge_auto()
            return x
        """,
        slices=4,
    ).run()
    assert made.job.load() == 0 + 1 + 4 + 9
    assert made.job.output(3) == "This is slice 3/4\n"


def test_a_file_per_slice_is_written_and_read_without_asking_for_the_job(make: Make) -> None:
    made = make(
        """
        def analysis(sliceno):
            data = [sliceno]
            job.save(data, 'filename', sliceno=sliceno) # save per slice
            data = job.load('filename', sliceno=sliceno) # load per slice
            return data
        def synthesis(analysis_res):
            return analysis_res.merge_auto()
        """
    ).run()
    assert made.job.load() == [0, 1]
    assert made.job.load("filename", sliceno=1) == [1]


def test_all_files_of_a_job_are_loaded_in_a_loop(make: Make) -> None:
    job = (
        make(
            """
            data1, data2 = 1, 2
            def synthesis(job):
                job.save(data1, 'afilename')
                job.save(data2, 'anotherfilename')
            """
        )
        .run()
        .job
    )
    data = {}
    for filename in job.files:
        data[filename] = job.load(filename)
    assert data == {"afilename": 1, "anotherfilename": 2}
    assert job.filename("afilename") == f"{job.path}/afilename"


def test_what_was_printed_is_retrieved_whole_or_by_part(make: Make) -> None:
    made = make(
        """
        def prepare(): print("in prepare")
        def analysis(sliceno):
            if sliceno in (0, 3): print("in slice", sliceno)
        def synthesis(): print("in synthesis")
        """,
        slices=4,
    ).run()
    job = made.job
    assert job.output() == "in prepare\nin slice 0\nin slice 3\nin synthesis\n"
    assert [job.output(part) for part in ("prepare", "synthesis", 0, 1, 3)] == [
        "in prepare\n",
        "in synthesis\n",
        "in slice 0\n",
        "",
        "in slice 3\n",
    ]
    assert sorted(path.name for path in made.paths.output.iterdir()) == ["0", "3", "prepare", "synthesis"]


def test_a_status_is_said_for_each_task(make: Make) -> None:
    made = make(
        """
        from jobs_app.script import status
        tasklist = ["one", "two"]
        def synthesis():
            msg = "my status message: %s"
            with status(msg % ('init',)) as update:
                for task in tasklist:
                    update(msg % (task,))
            1 / 0
        """
    ).run()
    assert [line["text"] for line in made.error("synthesis")["status"]] == ["synthesis"]


def test_a_description_is_short_first_and_then_detailed(make: Make) -> None:
    from jobs_app.script.runner import load

    made = make(
        '''
        description="""Collect movie ratings.

        Movie ratings are collected using a parallel interation
        over all...
        """
        def synthesis(): ...
        '''
    )
    script = load(made.paths.source / "a_test.py")
    assert script.description.splitlines()[0] == "Collect movie ratings."
    assert script.description.splitlines()[2].startswith("Movie ratings are collected")


def test_both_ways_to_import_build_are_there(make: Make) -> None:
    made = make(
        """
        from jobs_app.script import subjobs
        from jobs_app.script.subjobs import build
        def synthesis():
            return subjobs.build is build
        """
    ).run()
    assert made.job.load() is True


def test_how_a_job_went_and_what_it_was_given_is_there_for_others(make: Make) -> None:
    job = make("options = {'x': 1}\ndef synthesis(): print('x')").run().job
    assert job.params.options.x == 1
    assert job.post.exectime.synthesis > 0
    assert files.read_object(Path(job.path) / "post.json")["files"] == []
