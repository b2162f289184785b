from django.db import DatabaseError, connection


def test_it_says_that_it_can_work(client, db):
    assert client.get("/healthz").json() == {"ok": True}


def test_it_says_so_when_the_database_is_gone(client, db, monkeypatch):
    def gone():
        raise DatabaseError("gone")

    with monkeypatch.context() as while_asking:
        while_asking.setattr(connection, "cursor", gone)
        assert client.get("/healthz").status_code == 503
