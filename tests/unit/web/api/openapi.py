"""Requests as the API's description allows them, and as somebody with bad intentions would write them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from jobs_app.web.api.api import api

SCHEMA: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))

NASTY = st.sampled_from(
    [
        *(
            "",
            "\0",
            "a\0b",
            "\ud800",
            "' OR 1=1 --",
            "../../etc/passwd",
            "a/b",
            "%00",
            "ñ",
            "x" * 5000,
            "__class__",
        ),
        *(-1, 0, 2**31, 2**63 - 1, 2**63, 10**30, -(2**63), 1.5, 1e308, True, None),
        *(
            [],
            [[]],
            {},
            {"$gt": {}},
            {"a.b": 1},
            {"": 1},
            {"a": {"$in": 3}},
            [1, "two", None],
            {"x\0": "\ud800"},
        ),
    ]
)
TEXTS = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    about: dict[str, Any] = field(hash=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> dict[str, Any]:
        content = self.about.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema", {})

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [each for each in self.about.get("parameters", []) if each["in"] == place]


OPERATIONS = [
    Operation(method.upper(), path, about)
    for path, methods in SCHEMA["paths"].items()
    for method, about in methods.items()
]


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What fits the schema; now and then what does not."""
    return st.integers(0, 5).flatmap(lambda chance: NASTY if chance == 0 else fitting(schema))


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return fitting(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    several = schema.get("anyOf") or schema.get("allOf") or schema.get("oneOf")
    if several:
        return st.one_of([fitting(each) for each in several])
    return _of_type(schema)


def _of_type(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind = schema.get("type")
    if kind == "integer":
        return st.integers(schema.get("minimum", -5), min(schema.get("maximum", 10**6), 2**63 - 1))
    if kind == "string":
        return _texts(schema)
    if kind == "array":
        most = min(schema.get("maxItems", 3), 3)
        return st.lists(values(schema.get("items", {})), min_size=schema.get("minItems", 0), max_size=most)
    if kind == "object":
        return _objects(schema)
    simple = {"boolean": st.booleans(), "number": st.floats(-1e6, 1e6), "null": st.none()}
    return simple.get(str(kind), JSON)


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    return st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    known, required = schema.get("properties", {}), set(schema.get("required", ()))
    if not known:
        return st.dictionaries(TEXTS, values(_additional(schema)), max_size=3)
    must = {name: values(each) for name, each in known.items() if name in required}
    may = {name: values(each) for name, each in known.items() if name not in required}
    return st.fixed_dictionaries(must, optional=may)


def _additional(schema: dict[str, Any]) -> dict[str, Any]:
    found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else {}


@st.composite
def requests(draw: Any, operation: Operation, known: dict[str, list[Any]]) -> dict[str, Any]:
    """`known`: values for path parameters that lead somewhere."""
    path = operation.path
    for each in operation.parameters("path"):
        name = each["name"]
        likely = st.sampled_from(known.get(name, ["x"]))
        path = path.replace("{" + name + "}", _in_path(draw(likely | likely | values(each["schema"]))))
    query = [(each["name"], draw(values(each["schema"]))) for each in _some(draw, operation, "query")]
    headers = {
        each["name"]: _in_header(draw(values(each["schema"]))) for each in _some(draw, operation, "header")
    }
    return {
        "path": path + ("?" + _query(query) if query else ""),
        "headers": headers,
        "body": json.dumps(draw(values(operation.body))) if operation.body else None,
    }


def _some(draw: Any, operation: Operation, place: str) -> list[dict[str, Any]]:
    return [each for each in operation.parameters(place) if each.get("required") or draw(st.booleans())]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _in_path(value: Any) -> str:
    return quote(_text(value), safe="") or "0"


def _in_header(value: Any) -> str:
    return "".join(letter for letter in _text(value) if " " <= letter <= "~")


def _query(pairs: list[tuple[str, Any]]) -> str:
    flat = [
        (name, _text(item))
        for name, value in pairs
        for item in (value if isinstance(value, list) else [value])
    ]
    return urlencode(flat)
