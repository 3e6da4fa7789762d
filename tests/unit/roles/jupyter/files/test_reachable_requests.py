"""Requests through an http tunnel are counted, for the month in which they come, across restarts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from imports import imported
from reachable import allowance

FILES = Path(__file__).resolve().parents[5] / "roles/jupyter/files"
ADA = "ada.ngrok-free.app"

reachable_requests = imported("reachable_requests", FILES / "reachable_requests.py")


def publish(file: Path, **transports: str) -> None:
    """Publish as the watcher does: another file takes the place of the one before."""
    endpoints = [{"host": f"{name}.ngrok-free.app", "transport": kind} for name, kind in transports.items()]
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"endpoints": endpoints}))
    new.replace(file)


def ask(log: object, *hosts: str) -> None:
    """Let a request for each host be logged."""
    assert callable(log)
    for host in hosts:
        log(SimpleNamespace(request=SimpleNamespace(host_name=host)))


def test_what_comes_through_an_http_tunnel_is_counted_and_everything_is_logged(tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoint.json"
    logged: list[object] = []
    count = reachable_requests.Count(tmp_path / "month.json", lambda: "2026-12")
    log = reachable_requests.counting(logged.append, count, reachable_requests.Tunnels(endpoints))
    ask(log, ADA)
    publish(endpoints, ada="http", eve="tcp")
    ask(log, ADA, "eve.ngrok-free.app", "localhost", "192.0.2.7", ADA)
    endpoints.write_text("{")
    ask(log, ADA)
    publish(endpoints, bob="http")
    ask(log, ADA)
    count.keep()
    assert len(logged) == 8
    assert allowance.counted(str(tmp_path / "month.json"), "2026-12") == 3


def test_a_count_goes_on_after_a_restart_and_begins_anew_each_month(tmp_path: Path) -> None:
    file, months = tmp_path / "month.json", iter(["2026-12", "2026-12", "2026-12", "2026-12", "2027-01"])
    first = reachable_requests.Count(file, lambda: next(months))
    first.add()
    first.add()
    first.keep()
    assert file.stat().st_mode & 0o777 == 0o644
    second = reachable_requests.Count(file, lambda: next(months))
    second.keep()
    second.add()
    second.keep()
    assert (allowance.counted(str(file), "2026-12"), allowance.counted(str(file), "2027-01")) == (0, 1)


def test_a_server_that_counted_nothing_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "month.json"
    count, other = (reachable_requests.Count(file, lambda: "2026-12") for _ in range(2))
    count.add()
    count.keep()
    other.keep()
    assert allowance.counted(str(file), "2026-12") == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "1", "{}", '{"month": "2026-12", "requests": "x"}', '{"month": 1, "requests": 5}']
)
def test_a_damaged_count_counts_for_nothing(content: str, tmp_path: Path) -> None:
    file = tmp_path / "month.json"
    file.write_text(content)
    assert allowance.counted(str(file), "2026-12") == 0
    count = reachable_requests.Count(file, lambda: "2026-12")
    count.add()
    count.keep()
    assert allowance.counted(str(file), "2026-12") == 1


@pytest.mark.parametrize("content", ['{"month": "2026-12", "requests": -1}', '{"month": "2026-12", "requests": true}'])
def test_a_count_that_can_be_none_is_not_believed(content: str, tmp_path: Path) -> None:
    file = tmp_path / "month.json"
    file.write_text(content)
    assert allowance.counted(str(file), "2026-12") == 0


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('{"month": "2026-12", "requests": 7}')
    (tmp_path / "month.json").symlink_to("real.json")
    assert allowance.counted(str(tmp_path / "month.json"), "2026-12") == 0


def test_without_a_folder_the_count_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "requests/month.json"
    count = reachable_requests.Count(file, lambda: "2026-12")
    count.add()
    count.keep()
    file.parent.mkdir()
    count.add()
    count.keep()
    assert allowance.counted(str(file), "2026-12") == 2
