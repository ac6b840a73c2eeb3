"""Somebody deletes tasks or the whole project on the server: nothing goes on unasked."""

import json

import httpx
import pytest

from tests import story


@pytest.fixture
def played(tmp_path, fake_server):
    """A workspace with one logged round."""
    story.make_files(tmp_path, fake_server.url)
    for number in (0, 1, 2):
        code, printed = story.step(tmp_path, fake_server, number)
        assert code == 0, printed
    return tmp_path


def delete(server, path):
    headers = {"Authorization": f"Token {server.token}"}
    url = f"{server.url}/api/{path}/"
    httpx.delete(url, headers=headers, trust_env=False).raise_for_status()


def round_(root, server, *arguments):
    return story.run(root, "round", *arguments, LABEL_STUDIO_API_KEY=server.token)


def labels(root):
    _, printed = story.run(root, "status", "--json")
    return json.loads(printed)["labeled"]


def test_a_deleted_project_stops_the_round_and_keeps_every_label(played, fake_server):
    before = labels(played)
    delete(fake_server, "projects/1")
    code, printed = round_(played, fake_server, "--until", "pushed")
    assert code == 2, printed
    assert "--allow-shrink" in printed
    assert labels(played) == before


def test_with_allow_shrink_a_new_project_takes_its_place(played, fake_server):
    delete(fake_server, "projects/1")
    code, printed = round_(played, fake_server, "--until", "pushed", "--allow-shrink")
    assert code == 0, printed
    there = fake_server.control("dump")
    assert len(there["projects"]) == 1
    assert len(there["keys"]) == 10
    assert all(len(ids) == 1 for ids in there["keys"].values())
    assert story.run(played, "check")[0] == 0
    story.People(fake_server.url, fake_server.token).answer()
    code, printed = round_(played, fake_server, "--until", "logged")
    assert code == 0, printed
    assert labels(played) > 0


def test_a_selected_round_finds_its_way_out_too(played, fake_server):
    assert round_(played, fake_server, "--until", "selected")[0] == 0
    delete(fake_server, "projects/1")
    assert round_(played, fake_server, "--until", "pushed")[0] == 2
    code, printed = round_(played, fake_server, "--until", "pushed", "--allow-shrink")
    assert code == 0, printed
    assert story.run(played, "check")[0] == 0


def test_a_deleted_task_of_the_open_round_refuses_and_then_goes_back_to_the_pool(
    played, fake_server
):
    assert round_(played, fake_server, "--until", "pushed")[0] == 0
    there = fake_server.control("dump")["keys"]
    key, (task, *_) = sorted(there.items(), key=lambda pair: pair[1])[-1]
    delete(fake_server, f"tasks/{task}")
    code, printed = round_(played, fake_server)
    assert code == 1, printed
    assert "--allow-shrink" in printed
    code, printed = round_(played, fake_server, "--allow-shrink")
    assert code == 3, printed
    assert "of 9 texts" in printed
    assert story.run(played, "check")[0] == 0
    assert key.endswith(":0")
