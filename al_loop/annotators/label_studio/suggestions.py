"""Suggestions of names that are gone.

The browser pre-checks a suggestion even when its choice is hidden or not on the page: people
would submit, without having seen it, what nobody ticked.
"""

import json
from collections.abc import Iterable

from al_loop import crash
from al_loop.annotators.label_studio import page, tasks
from al_loop.annotators.label_studio.client import Api
from al_loop.annotators.label_studio.faults import Refused

_NOT_FOUND = 404
_OPEN: tasks.Filter = {
    "filter": "filter:tasks:completed_at",
    "operator": "empty",
    "type": "Datetime",
    "value": True,
}


def withdraw(api: Api, project: int, names: Iterable[str]) -> None:
    """Delete the predictions of some names from tasks that still wait for answers.

    An answer that was given keeps its copy of the prediction.
    """
    for name in names:
        for written in {json.dumps(name), json.dumps(name, ensure_ascii=False)}:
            has_it = {
                "filter": "filter:tasks:predictions_results",
                "operator": "contains",
                "type": "String",
                "value": written,  # some databases escape it, some do not
            }
            listed = tasks.listing(api, project, [_OPEN, has_it], "id,predictions", fields="all")
            for prediction in [p for task in listed for p in task.get("predictions") or ()]:
                if page.suggested(prediction) == name:
                    _delete(api, prediction["id"])


def _delete(api: Api, prediction: int) -> None:
    try:
        api.put("DELETE", f"api/predictions/{prediction}/", None)
    except Refused as refused:
        if refused.status != _NOT_FOUND:  # an earlier try got through
            raise
    crash.point("prediction withdrawn")
