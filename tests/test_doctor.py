"""`al-loop doctor`: each line that is wrong says what to type."""

import json

import httpx
import pytest

from tests import story


@pytest.fixture
def workspace(tmp_path, fake_server):
    texts = story.make_files(tmp_path, fake_server.url)
    assert story.run(tmp_path, "init", str(texts))[0] == 0
    return tmp_path


def findings(root, code=0, **environment):
    ended, printed = story.run(root, "doctor", "--json", apart=True, **environment)
    assert ended == code, printed
    return {f["name"]: f for f in json.loads(printed[0])["findings"]}


def test_a_healthy_workspace_has_nothing_wrong(workspace, fake_server):
    found = findings(workspace, LABEL_STUDIO_API_KEY=fake_server.token)
    assert all(f["ok"] for f in found.values())
    assert found["settings"]["detail"] == "strategy margin"
    assert "legacy token" in found["key"]["detail"]
    assert "1.23" in found["server"]["detail"]
    assert "first al-loop round makes it" in found["project"]["detail"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('strategy = "margin"', 'strategy = "marginn"'),
        ("[label_studio]", '[label_studio]\nshow = ["channel"]'),
    ],
)
def test_settings_that_a_round_would_trip_over_are_found(workspace, fake_server, right, wrong):
    path = workspace / "config.toml"
    path.write_text(path.read_text().replace(right, wrong))
    found = findings(workspace, code=1, LABEL_STUDIO_API_KEY=fake_server.token)["settings"]
    assert found["ok"] is False
    assert ("marginn" in found["detail"]) or ("channel" in found["detail"])
    assert found["hint"]


def test_classes_that_only_the_configuration_names_are_told(workspace, fake_server):
    with (workspace / "config.toml").open("a") as f:
        f.write("[classes.praise]\n")
    found = findings(workspace, LABEL_STUDIO_API_KEY=fake_server.token)
    assert "praise" in found["classes"]["detail"]


def test_the_project_its_page_and_the_model_version_are_checked(workspace, fake_server):
    key = {"LABEL_STUDIO_API_KEY": fake_server.token}
    for number in (1, 2, 3):
        assert story.step(workspace, fake_server, number)[0] == 0
    found = findings(workspace, **key)
    assert "20 tasks" in found["project"]["detail"]
    assert found["model version"]["detail"].startswith("al-r1-")
    headers = {"Authorization": f"Token {fake_server.token}"}
    project = fake_server.control("dump")["projects"][0]
    config = project["label_config"].replace("delay", "something")
    body = {"label_config": config, "model_version": ""}
    url = f"{fake_server.url}/api/projects/{project['id']}/"
    httpx.patch(url, json=body, headers=headers, trust_env=False).raise_for_status()
    found = findings(workspace, code=1, **key)
    assert "lacks delay" in found["labeling page"]["detail"]
    assert found["model version"]["ok"] is False
    assert found["model version"]["hint"]


def test_a_page_that_still_offers_what_is_gone_is_found(workspace, fake_server):
    key = {"LABEL_STUDIO_API_KEY": fake_server.token}
    for number in (1, 2):
        assert story.step(workspace, fake_server, number)[0] == 0
    assert story.run(workspace, "classes", "rename", "delay", "late", **key)[0] == 0
    assert findings(workspace, **key)["labeling page"]["ok"] is True
    project = fake_server.control("dump")["projects"][0]
    shown = project["label_config"].replace('className="al-loop-gone" ', "")
    assert shown != project["label_config"]
    headers = {"Authorization": f"Token {fake_server.token}"}
    url = f"{fake_server.url}/api/projects/{project['id']}/"
    httpx.patch(url, json={"label_config": shown}, headers=headers, trust_env=False)
    found = findings(workspace, code=1, **key)["labeling page"]
    assert "still offers delay" in found["detail"]
    assert found["hint"]


def test_a_wrong_key_is_named_with_what_to_do_and_never_shown(workspace, fake_server):
    wrong = "f" * 40
    found = findings(workspace, code=1, LABEL_STUDIO_API_KEY=wrong)
    assert found["server"]["ok"] is True
    assert found["key"]["ok"] is False
    assert found["key"]["hint"]
    assert "project" not in found
    assert wrong not in json.dumps(found)


def test_no_key_and_no_server_say_what_to_type(workspace):
    found = findings(workspace, code=1)
    assert "LABEL_STUDIO_API_KEY" in found["server"]["hint"]
    config = workspace / "config.toml"
    config.write_text(config.read_text().replace("http://127.0.0.1", "http://127.0.0.1:9#"))
    found = findings(workspace, code=1, LABEL_STUDIO_API_KEY="a" * 40)
    assert found["server"]["ok"] is False
    config.write_text(config.read_text().replace("url =", "#"))
    found = findings(workspace, code=1, LABEL_STUDIO_API_KEY="a" * 40)
    assert "al-loop up" in found["server"]["hint"]


def test_a_damaged_model_is_found(workspace, fake_server):
    for number in (1, 2):
        assert story.step(workspace, fake_server, number)[0] == 0
    for model in (workspace / ".al-loop" / "models").iterdir():
        model.write_bytes(b"")
    found = findings(workspace, code=1, LABEL_STUDIO_API_KEY=fake_server.token)
    assert found["database"]["ok"] is False
    assert found["database"]["hint"] == "al-loop check"
