from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator

from .openapi import OPERATIONS, SCHEMA


def test_the_description_is_openapi_3_1():
    assert SCHEMA["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(SCHEMA).validate()


def test_every_operation_has_a_summary_and_asks_who_comes():
    assert [str(each) for each in OPERATIONS if not each.about.get("summary")] == []
    assert [str(each) for each in OPERATIONS if not each.about.get("security")] == []


def test_the_page_to_try_it_loads_nothing_from_elsewhere_and_runs_nothing_inline(client):
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    text = page.content.decode()
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text
    assert text.count("<script") == text.count("<script src=") + text.count('type="application/json"')


def test_the_description_is_served(client):
    assert client.get("/api/v1/openapi.json").json()["openapi"] == SCHEMA["openapi"]
