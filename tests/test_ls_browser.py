"""What people see and can do on the labeling page: a real server, a real browser."""

import re

import pytest

from al_loop.types import HEADING, ClassSpec, Offer
from tests.fakes.real import EMAIL, PASSWORD
from tests.ls_helpers import choice, task
from tests.ls_people import Server, push

WORRY = ClassSpec("worry", "", ("I am afraid", "what if it breaks"))
FEW = (ClassSpec("refund"), ClassSpec("bug"))
MANY = tuple(ClassSpec(f"class {i}") for i in range(22))

pytestmark = pytest.mark.ls


class Screen:
    """The labeling page of one task, in a browser."""

    def __init__(self, page, server, remote):
        self.page, self.server, self.remote = page, server, remote
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, task_id, button="Submit"):
        self.page.goto(f"{self.server.url}/projects/{self.remote}/data?task={task_id}")
        self.page.wait_for_selector(".lsf-choice", timeout=60_000)
        self.page.locator("button", has_text=re.compile(f"^{button}$")).wait_for()
        self.page.wait_for_load_state("networkidle")

    def box(self, name):
        return self.page.locator(f".lsf-choice input[name='{name}']")

    def tick(self, name):
        self.page.locator(f".lsf-choice label:has(input[name='{name}'])").click()

    def ticked(self):
        boxes = self.page.locator(".lsf-choice input").all()
        return [box.get_attribute("name") for box in boxes if box.is_checked()]

    def send(self, button):
        with self.page.expect_response(
            lambda r: "/annotations" in r.url and r.request.method in ("POST", "PATCH")
        ):
            self.page.locator("button", has_text=re.compile(f"^{button}$")).click()

    def results(self, task_id):
        task = self.server.ask("GET", f"/api/tasks/{task_id}/")
        return [
            (r["from_name"], next(iter(r["value"].values())), r.get("origin"))
            for a in task["annotations"]
            for r in a["result"]
        ]


@pytest.fixture
def screen(ls, chromium):
    """A function that pushes tasks with an offer and opens a browser that is logged in."""
    server = Server(ls.url)
    context = chromium.new_context(viewport={"width": 1400, "height": 1400})

    def opened(offer, *tasks):
        pushed = push(server, tasks=list(tasks), offer=offer)
        page = context.new_page()
        page.goto(f"{ls.url}/user/login")
        if page.locator("input[name=email]").count():
            page.fill("input[name=email]", EMAIL)
            page.fill("input[name=password]", PASSWORD)
            page.click("button[type=submit]")
        return Screen(page, server, pushed.remote_id), list(pushed.task_ids.values())

    yield opened
    context.close()
    server.http.close()


@pytest.mark.parametrize("classes", [FEW, MANY], ids=["with keys", "with a filter"])
def test_candidates_are_seen_below_the_heading_with_their_texts_and_come_pre_checked(
    screen, classes
):
    shown, (suggested, free) = screen(
        Offer(classes, (WORRY,)), task(0, label="worry"), task(1, label=None)
    )
    shown.open(suggested)
    heading = shown.page.locator("h3", has_text=re.compile(f"^{re.escape(HEADING)}$"))
    assert heading.is_visible()
    assert shown.box("worry").is_visible()
    assert heading.bounding_box()["y"] < shown.box("worry").bounding_box()["y"]
    assert heading.bounding_box()["y"] > shown.box(classes[-1].name).bounding_box()["y"]
    assert shown.ticked() == ["worry"]
    shown.page.locator(".lsf-choice label:has(input[name=worry])").get_by_text("worry").hover()
    shown.page.get_by_text("I am afraid | what if it breaks").wait_for(timeout=10_000)
    if classes is MANY:
        shown.page.get_by_placeholder("Type to filter").fill("wor")
        shown.box("class 3").wait_for(state="hidden")
        assert shown.box("worry").is_visible()
    shown.send("Submit")
    assert shown.results(suggested) == [("label", ["worry"], "prediction")]
    shown.open(free)
    shown.tick("worry")
    shown.send("Submit")
    assert shown.results(free) == [("label", ["worry"], "manual")]
    assert shown.errors == []


def test_a_hidden_choice_is_not_seen_and_an_answer_that_has_it_stays(screen):
    first = Offer(FEW, (WORRY, ClassSpec("hope")))
    shown, (old, other, waits) = screen(first, task(0), task(1), task(2, label="worry"))
    for task_id in (old, other):
        shown.server.annotate(task_id, [choice("worry", origin="manual")])
    gone = Offer((*FEW, ClassSpec("fear")), (), ("worry", "hope"))
    shown.server.adapter().update_page(shown.server.project, gone)
    shown.open(old, "Update")
    assert shown.ticked() == ["worry"], "the browser keeps it"
    assert not shown.box("worry").is_visible()
    assert shown.box("hope").count() == 0, "nobody used it"
    assert not shown.page.get_by_text(HEADING).count()
    shown.page.get_by_placeholder("A comment, if you like").fill("why not")
    shown.page.keyboard.press("Enter")
    shown.send("Update")
    kept = [r[:2] for r in shown.results(old)]
    assert kept == [("label", ["worry"]), ("comment", ["why not"])]
    shown.open(other, "Update")
    shown.tick("fear")
    shown.send("Update")
    assert [r[:2] for r in shown.results(other)] == [("label", ["fear"])]
    shown.open(waits)
    assert shown.ticked() == [], "its suggestion was taken back"
    for key in "567890qwert3":
        shown.page.keyboard.press(key)
        assert "worry" not in shown.ticked(), "no key ticks what is hidden"
    assert shown.ticked() == ["fear"]
    assert shown.errors == []


def test_an_answer_with_a_name_that_is_not_on_the_page_opens_and_keeps_it(screen):
    """As when somebody submits a page that was open before the name was taken off."""
    shown, (late,) = screen(Offer(FEW, (WORRY,)), task(0, label=None))
    shown.open(late)
    shown.tick("worry")
    shown.server.adapter().update_page(shown.server.project, Offer(FEW, (), ("worry",)))
    shown.send("Submit")
    assert shown.results(late) == [("label", ["worry"], "manual")]
    shown.open(late, "Update")
    assert shown.ticked() == []
    shown.page.get_by_placeholder("A comment, if you like").fill("late")
    shown.page.keyboard.press("Enter")
    shown.send("Update")
    assert [r[:2] for r in shown.results(late)] == [("label", ["worry"]), ("comment", ["late"])]
    assert shown.errors == []
