"""Files looked at; and files that would rather look at us."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs_app.previews import apart, markdown, plot, tables, tree
from jobs_app.previews.values import Unreadable


@pytest.fixture
def shown(page_of, alice, make_job):
    def show(name, data, query=""):
        job = make_job(files={name: data})
        return page_of(alice).get(f"/jobs/{job.pk}/view/{name}{query}")

    return show


def test_a_table_is_shown_and_its_numbers_are_drawn(shown):
    page = shown("a.csv", b"time,<b>name</b>,depth\n0,x,1\n1,y,4\n2,z,2\n")
    content = page.content.decode()
    assert "&lt;b&gt;name" in content
    assert '<polyline class="line line0"' in content
    assert "style=" not in content


def test_a_table_without_names_has_numbers_for_them():
    table = tables.read(b"1\t2\n3\t4\n", whole=True)
    assert (table.columns, table.rows) == (["1", "2"], [["1", "2"], ["3", "4"]])


@pytest.mark.parametrize(
    "data", [b'"' + b"a" * 200_000, b",".join([b"1"] * 5_000), b"\0\0\0", b"\xff\xfe1,2\n3,4\n"]
)
def test_odd_tables_harm_nobody(shown, data):
    assert shown("a.csv", data).status_code == 200


def test_json_is_a_tree_and_text_in_it_stays_text(shown):
    content = shown(
        "a.json", json.dumps({"<script>": ["</script>", {"deep": None}]}).encode()
    ).content.decode()
    assert "<summary>1 key</summary>" in content
    assert "&lt;script&gt;" in content
    assert "<script>" not in content


@pytest.mark.parametrize("data", [b"[" * 100_000, b"{", b"9" * 10_000])
def test_what_is_no_json_is_said_to_be_none(data):
    with pytest.raises(Unreadable, match="no JSON"):
        tree.html(data)


def test_a_large_tree_is_cut():
    assert len(tree.html(b"[" + b"[1]," * 100_000 + b"1]")) < 1 << 20


def test_markdown_keeps_its_form_and_nothing_that_acts():
    made = markdown.html(
        "# T\n\n<script>x</script> [a](javascript:x) ![p](http://evil/p) <b onclick=x>\n\n|a|\n|-|\n|1|"
    )
    assert "<h1>T</h1>" in made
    assert "<td>1</td>" in made
    for word in ("<script", "<img", 'href="javascript', "<b "):
        assert word not in made


def test_a_parquet_file_shows_its_columns_first_rows_and_a_plot(shown, tmp_path):
    pq.write_table(pa.table({"x": list(range(500)), "name": ["<i>"] * 500}), tmp_path / "a.parquet")
    page = shown("a.parquet", (tmp_path / "a.parquet").read_bytes())
    ((_, _, table, drawn),) = page.context["shown"].tables
    assert (table.columns, len(table.rows), table.cut_rows) == (["x", "name"], 100, True)
    assert "<polyline" in drawn
    assert b"<i>" not in page.content


def test_an_hdf5_file_shows_its_structure_and_follows_no_link_out(shown, tmp_path):
    (tmp_path / "secret").write_bytes(b"SECRETSECRETSECRET")
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["inner"] = np.arange(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/values"] = np.arange(10.0)
        file["group/again"] = file["group"]
        file["away"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/inner")
        file.create_dataset("raw", (16,), "u1", external=[(str(tmp_path / "secret"), 0, 16)])
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "inner", (3,))
        file.create_virtual_dataset("virtual", layout)
    page = shown("a.h5", (tmp_path / "a.h5").read_bytes())
    found = {name: (about, table) for name, about, table, _ in page.context["shown"].tables}
    assert found["/group/values"][1].rows[3] == ["3.0"]
    assert found["/away"] == ("a link, not followed", None)
    assert found["/raw"][1] is None
    assert found["/virtual"][1] is None
    assert len(found) < 20


def test_a_bomb_is_refused_and_not_unpacked(tmp_path):
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("zeros", (1 << 28,), "f8", chunks=(1 << 27,), compression="gzip")
    (part,) = apart.read("hdf5", tmp_path / "bomb.h5").parts
    assert part.table is None


@pytest.mark.parametrize("name", ["a.parquet", "a.h5"])
@pytest.mark.parametrize(
    "data", [b"", b"PAR1" + b"\xff" * 100 + b"PAR1", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500]
)
def test_a_damaged_file_is_said_to_be_so(shown, name, data):
    page = shown(name, data)
    assert page.status_code == 200
    assert page.context["shown"].trouble


def test_without_the_reader_the_page_says_what_to_install(tmp_path, monkeypatch):
    from jobs_app.previews import reader

    monkeypatch.setitem(reader._MODULES, "hdf5", ("h5py", "not_there"))
    assert reader.main("hdf5", "x") == {
        "trouble": "To look into it here, install h5py where Roost runs: pip install h5py"
    }


def test_a_long_text_is_read_piece_by_piece(shown):
    page = shown("a.log", b"x" * 100_000 + b"<b>", "?from=65536")
    assert page.context["after"] is None
    assert b"&lt;b&gt;" in page.content


@pytest.mark.parametrize("name", ["page.html", "picture.svg", "data.xml", "paper.pdf"])
def test_no_file_becomes_a_page_of_ours(shown, name):
    page = shown(name, b"<svg onload=alert(1)><script>alert(1)</script>")
    assert b"<script>alert" not in page.content
    assert b"<svg onload" not in page.content
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_numbers_at_the_end_of_the_scale_are_drawn():
    drawn = plot.svg({"a": [1.7e308, -1.7e308, None, 0.0]})
    assert "nan" not in drawn
    assert "inf" not in drawn


@pytest.mark.parametrize("name", ["../../etc/passwd", ".roost/x", "link", "none"])
def test_no_name_leads_out(page_of, alice, make_job, name):
    job = make_job(files={"a": b"", ".roost/x": b""})
    (job.directory / "link").symlink_to("/etc/passwd")
    assert page_of(alice).get(f"/jobs/{job.pk}/view/{name}").status_code == 404


def test_a_link_into_what_is_ours_is_not_followed(page_of, alice, make_job):
    job = make_job(files={".roost/spec.json": b"secret"})
    (job.directory / "link.txt").symlink_to(".roost/spec.json")
    assert page_of(alice).get(f"/jobs/{job.pk}/view/link.txt").status_code == 404
    assert page_of(alice).get(f"/jobs/{job.pk}/files/link.txt").status_code == 404
