"""What people can choose: classes, candidates below a heading, and nothing that is gone."""

import xml.etree.ElementTree as ET

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from al_loop.annotators.label_studio import page
from al_loop.annotators.label_studio.instructions import instructions
from al_loop.errors import InputError, ServerError
from al_loop.types import HEADING, ClassSpec, Offer
from tests.ls_helpers import (
    CLASSES,
    PROJECT,
    adapter,
    annotate,
    choice,
    pull_request,
    push_request,
    task,
)
from tests.ls_people import pull, push

WORRY = ClassSpec("afraid worried", "", ("I am  so\nafraid", "worried about it"))
HOPE = ClassSpec("can wait", "", ("can't wait!",))
OFFER = Offer(CLASSES, (WORRY, HOPE), version=3)
NAMES = [*"abcdefgh"]


def grown(live, offer, **more):
    """The page with the offer; it must lack nothing then."""
    config = page.grown(live, offer, context=False, **more) or live
    assert page.grown(config, offer, context=False, **more) is None
    return config


def control(config):
    return ET.fromstring(config).find(".//Choices")


def layout(config):
    """The control from top to bottom: names, the heading as -, what nobody sees in a list."""
    found = []
    for e in control(config):
        if e.tag == "Choice":
            found.append(e.get("value"))
        else:
            found.append("-" if e.get("value") == HEADING else [c.get("value") for c in e])
    return found


def attributes(config):
    return {c.get("value"): dict(c.attrib) for c in control(config).iter("Choice")}


def offer(classes="", candidates="", gone="", **more):
    return Offer([*map(ClassSpec, classes)], [*map(ClassSpec, candidates)], [*gone], **more)


def test_candidates_stand_below_a_heading_with_their_central_texts_as_hint():
    config = grown("<View></View>", OFFER)
    assert layout(config) == ["refund", "bug", "-", "afraid worried", "can wait"]
    found = attributes(config)
    assert found["afraid worried"]["hint"] == "I am so afraid | worried about it"
    assert [a.get("hotkey") for a in found.values()] == [*"1234"]
    assert page.class_names(config) == ["refund", "bug", "afraid worried", "can wait"]
    page.check_suggestions(config, [page.Suggestion("can wait", 0.5)])
    assert len(attributes(grown("", offer("", "a")))) == 1, "without a class, too"
    long = ClassSpec("x", "", ("word " * 50,) * 9)
    assert len(attributes(grown(config, Offer(CLASSES, [long])))["x"]["hint"]) < 300


def test_the_hint_of_a_candidate_follows_its_texts():
    config = grown("", OFFER)
    later = Offer(CLASSES, (ClassSpec("afraid worried", "", ("other",)), HOPE))
    assert attributes(grown(config, later))["afraid worried"]["hint"] == "other"


def test_a_candidate_that_became_a_class_moves_up_and_the_heading_goes_with_the_last():
    config = grown("", OFFER)
    named = ClassSpec("afraid worried", "Is afraid")
    once = grown(config, Offer((*CLASSES, named), (HOPE,)))
    assert layout(once) == ["refund", "bug", "afraid worried", "-", "can wait"]
    before, after = (attributes(c)["afraid worried"] for c in (config, once))
    assert after == {**before, "hint": "Is afraid"}
    both = grown(once, Offer((*CLASSES, named, ClassSpec("can wait"))))
    assert layout(both) == ["refund", "bug", "afraid worried", "can wait"]
    assert "hint" not in attributes(both)["can wait"], "its texts are the instructions' business"


def test_what_is_gone_is_hidden_from_eyes_and_keys_or_taken_off_when_no_answer_has_it():
    config = grown("", offer("ab", "xy"))
    assert layout(grown(config, offer("ab", "", "xy"))) == ["a", "b", ["x", "y"]]
    some = grown(config, offer("ab", "y", "x"), unused=["x"])
    assert layout(some) == ["a", "b", "-", "y"]
    hidden = grown(config, offer("a", "y", "bx"), unused=["x"])
    assert layout(hidden) == ["a", "-", "y", ["b"]]
    assert page.class_names(hidden) == ["a", "y"]
    assert attributes(hidden)["b"]["hotkey"].endswith("f19"), "else the browser gives it one"
    view = control(hidden).find("View")
    assert view.get("style") == "display:none"
    with pytest.raises(InputError, match="'b' can't be suggested"):
        page.check_suggestions(hidden, [page.Suggestion("b", 0.5)])
    fresh = grown("", offer("a", "", "bx"))
    assert layout(fresh) == ["a"], "a new page has nothing to hide"


def test_a_class_that_comes_back_is_shown_again_and_the_empty_view_goes():
    hidden = grown(grown("", offer("abc")), offer("ac", "", "b"))
    assert layout(hidden) == ["a", "c", ["b"]]
    shown = grown(hidden, offer("abc"))
    assert layout(shown) == ["a", "b", "c"], "in its place"
    assert attributes(shown)["b"]["hotkey"] == "2"
    assert layout(grown(hidden, offer("ac", "b"))) == ["a", "c", "-", "b"]


def test_a_class_with_a_new_name_takes_the_place_and_the_key_of_the_old_one():
    config = grown(grown("", offer("abc", "x")), offer("aBc", "x", "b"))
    assert layout(config) == ["a", "B", "c", "-", "x", ["b"]]
    assert [a["hotkey"] for a in attributes(config).values()][:4] == [*"1234"]


def test_hotkeys_are_for_what_is_seen_and_only_while_that_is_little():
    config = grown("", offer(map(str, range(19)), "x"))
    assert attributes(config)["x"]["hotkey"] == "g"
    assert "Filter" not in config
    many = grown(grown("", offer(map(str, range(19)))), offer(map(str, range(19)), "xy"))
    assert not {"hotkey"} & {*attributes(many)["x"], *attributes(many)["y"]}
    root = ET.fromstring(many)
    assert root.find("Filter").attrib.keys() >= {"name", "toName"}
    assert root.find("Choices").get("layout") == "inline"
    few = grown(grown("", offer(map(str, range(20)))), offer(map(str, range(19)), "x", ["19"]))
    assert "Filter" not in few, "hidden ones do not count"


def test_a_filter_without_a_name_gets_one():
    """Browsers show nothing but an error for it."""
    config = grown("", offer(map(str, range(21))))
    broken = config.replace(' name="filter"', "")
    assert broken != config
    assert grown(broken, offer(map(str, range(21)))).count('name="filter"') == 1


def test_what_an_administrator_added_to_the_control_stays():
    live = (
        '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
        '<Header value="Mine"/><View style="display:none"><Choice value="a"/></View>'
        '<Choice value="own" background="red" hint="mine"/></Choices>'
        '<Rating name="stars" toName="text"/></View>'
    )
    config = grown(live, offer(["a", "b", "own"], "x"))
    config = grown(config, offer(["a", "own"], "", "bx"))
    assert [e.tag for e in control(config)] == ["Header", "View", "Choice", "View"]
    assert attributes(config)["own"] == {"value": "own", "background": "red", "hint": "mine"}
    assert control(config)[1][0].get("value") == "a", "whom an administrator hid stays hidden"
    assert "Rating" in config


def test_a_class_that_is_described_anew_gets_a_new_hint_unless_an_administrator_wrote_it():
    first = Offer([ClassSpec("a", "one"), ClassSpec("b")])
    then = Offer([ClassSpec("a", "two"), ClassSpec("b", "bee")])
    config, said = grown("", first), instructions(first)
    found = attributes(page.grown(config, then, context=False, said=said))
    assert (found["a"]["hint"], found["b"]["hint"]) == ("two", "bee")
    mine = config.replace('hint="one"', 'hint="mine"')
    found = attributes(page.grown(mine, then, context=False, said=said))
    assert found["a"]["hint"] == "mine"


@given(st.lists(st.permutations(NAMES).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 8),
       st.integers(0, 8), st.sets(st.sampled_from(NAMES)))), min_size=1, max_size=5))  # fmt: skip
def test_after_any_story_people_see_what_is_offered_and_used_names_are_never_lost(story):
    config, used = "", set()
    for names, first, second, ticked in story:
        low, high = sorted((first, second))
        wanted = offer(names[:low], names[low:high], names[high:])
        before = {*attributes(config)} if control(config or "<View/>") is not None else set()
        config = grown(config, wanted, unused={*NAMES} - used)
        if not names[:high]:
            return  # nothing to choose at all: the page is left alone
        assert {*page.class_names(config)} == {*names[:high]}
        assert (HEADING in config) is (low < high)
        if low < high:
            after = layout(config)[layout(config).index("-") :]
            assert {n for n in after[1:] if isinstance(n, str)} == {*names[low:high]}
        assert used & before <= {*attributes(config)}
        assert len([*control(config).iter("Choice")]) == len(attributes(config)), "no name twice"
        used |= ticked & {*page.class_names(config)}


# the live project


def labels(fake):
    return layout(fake.store.projects[1]["label_config"])


def test_a_name_that_nobody_ticked_is_taken_off_and_a_used_one_hidden(fake, transport):
    ls = adapter(transport)
    ls.push(push_request(4, offer=offer(["refund", "bug"], "xyz")))
    annotate(fake, "i0:0", "x")
    fake.store.draft(2, {"result": [choice("y")]})
    wanted = offer(["refund", "bug"], "", "xyz")
    assert ls.inspect(PROJECT, wanted).gone == ("x", "y", "z")
    assert ls.update_page(PROJECT, wanted)
    assert labels(fake) == ["refund", "bug", ["x", "y"]]
    assert ls.inspect(PROJECT, wanted).gone == ()
    before = len(fake.log)
    assert ls.update_page(PROJECT, wanted)
    assert all(method == "GET" for method, _ in fake.log[before:]), "nothing is left to do"


def test_the_instructions_name_the_version_the_classes_and_what_candidates_are(fake, transport):
    adapter(transport).push(push_request(1, offer=OFFER))
    told = fake.store.projects[1]["expert_instruction"]
    assert "The classes, version 3:" in told
    assert "<b>refund</b> Wants money back</p><ul><li>Where is my money?</li></ul>" in told
    assert "<b>bug</b>" in told
    assert HEADING in told
    adapter(transport).update_page(PROJECT, Offer(CLASSES, version=4))
    told = fake.store.projects[1]["expert_instruction"]
    assert "version 4" in told
    assert HEADING not in told
    edited = fake.store.projects[1]["expert_instruction"] = told.replace("Skip", "Never skip")
    adapter(transport).update_page(PROJECT, OFFER)
    assert fake.store.projects[1]["expert_instruction"] == edited


def test_a_tick_between_the_look_and_the_change_is_not_lost(fake, transport):
    ls = adapter(transport)
    ls.push(push_request(2, offer=offer(["bug"], "x")))

    def somebody_ticks(request, send):
        if request.url.path.endswith("/validate/"):
            answer = send(request)
            annotate(fake, "i0:0", "x")
            transport.faults.clear()
            return answer
        return None

    transport.faults.append(somebody_ticks)
    ls.update_page(PROJECT, offer(["bug"], "", "x"))
    assert labels(fake) == ["bug"]
    (answer,) = ls.pull(pull_request(2)).answers
    assert (answer.kind, answer.labels) == ("label", ("x",))


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_that_does_not_say_who_uses_a_name_keeps_it_hidden(fake, transport, status):
    ls = adapter(transport)
    ls.push(push_request(1, offer=offer(["bug"], "x")))
    refuse = lambda request, send: (  # noqa: E731
        httpx.Response(status, json={"detail": "no"}, request=request)
        if request.url.path.endswith("/validate/")
        else None
    )
    transport.faults.append(refuse)
    ls.update_page(PROJECT, offer(["bug"], "", "x"))
    assert labels(fake) == ["bug", ["x"]]


def test_two_who_change_the_page_at_once_are_noticed(fake, transport):
    ls = adapter(transport)
    ls.push(push_request(1, offer=offer(["bug"], "x")))
    old = fake.store.projects[1]["label_config"]

    def somebody_saves(request, send):
        if request.method == "PATCH":
            answer = send(request)
            fake.store.projects[1]["label_config"] = old
            return answer
        return None

    transport.faults.append(somebody_saves)
    with pytest.raises(ServerError, match="by somebody else"):
        ls.update_page(PROJECT, offer(["bug"], "", "x"))


def suggested(fake):
    return {
        fake.store.tasks[p["task"]]["data"]["al_id"]: p["result"][0]["value"]["choices"][0]
        for p in fake.store.predictions.values()
    }


def test_suggestions_of_what_is_gone_are_taken_back_from_tasks_that_wait(fake, transport):
    """The browser would submit them without showing them."""
    ls = adapter(transport)
    name = 'x "\u00e9" <b>'
    tasks = [task(0, label=name), task(1, label="bug"), task(2, label=name, overlap=2),
             task(3, label=name)]  # fmt: skip
    ls.push(push_request(tasks=tasks, offer=offer(["bug"], [name, "y"])))
    annotate(fake, "i2:0", name)
    annotate(fake, "i3:0", name)
    wanted = offer(["bug"], "y", [name])
    ls.update_page(PROJECT, wanted)
    assert suggested(fake) == {"i1:0": "bug", "i3:0": name}
    ls.push(push_request(tasks=tasks, offer=wanted))
    assert suggested(fake) == {"i1:0": "bug", "i3:0": name}, "nor do they come back"


def test_an_offer_changes_the_same_on_both_servers(either):
    tasks = [task(0, label="x"), task(1), task(2, label="x"), task(3, label="x")]
    pushed = push(either, tasks=tasks, offer=offer(["refund", "bug"], "xyz"))
    either.annotate(pushed.task_ids["i0:0"], [choice("x", origin="prediction")])
    either.annotate(pushed.task_ids["i1:0"], [choice("y")], was_cancelled=True)
    draft = {"result": [choice("y")], "lead_time": 1}
    either.ask("POST", f"/api/tasks/{pushed.task_ids['i3:0']}/drafts", draft)
    wanted = offer(["refund", "bug"], "", "xyz")
    answers = pull(either, n=4).answers
    assert either.adapter().update_page(either.project, wanted)
    project = either.ask("GET", f"/api/projects/{pushed.remote_id}/")
    assert layout(project["label_config"]) == ["refund", "bug", ["x", "y"]]
    left = {t["data"]["al_id"]: len(t["predictions"]) for t in either.tasks(pushed.remote_id)}
    assert left == {"i0:0": 1, "i1:0": 1, "i2:0": 0, "i3:0": 0}
    assert pull(either, n=4).answers == answers
    assert ("x",) in {a.labels for a in answers}
    assert either.adapter().update_page(either.project, offer(["refund", "bug", "x"], "z"))
    project = either.ask("GET", f"/api/projects/{pushed.remote_id}/")
    assert layout(project["label_config"]) == ["refund", "bug", "x", "-", "z", ["y"]]


def test_of_several_suggestions_of_a_task_only_those_of_what_is_gone_are_taken_back(
    fake, transport
):
    ls = adapter(transport)
    for model, label in (("m1", "x"), ("m2", "bug")):
        tasks = [task(0, label=label)]
        ls.push(push_request(tasks=tasks, model=model, offer=offer(["bug"], "x")))
    ls.update_page(PROJECT, offer(["bug"], "", "x"))
    assert [p["model_version"] for p in fake.store.predictions.values()] == ["m2"]
