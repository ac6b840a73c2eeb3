"""The benchmark of annotators reads real files of votes."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "annotators.py"


def test_methods_are_compared_on_a_file_of_votes_with_the_truth(tmp_path):
    rng = np.random.default_rng(0)
    classes, path = ["red", "green", "blue"], tmp_path / "votes.csv"
    with path.open("w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["item", "who", "said", "gold"])
        for item in range(60):
            gold = classes[item % 3]
            for who, skill in (("ann", 0.95), ("bob", 0.9), ("cy", 0.5)):
                said = gold if rng.random() < skill else str(rng.choice(classes))
                out.writerow([item, who, said, gold])
    columns = ["--item", "item", "--annotator", "who", "--label", "said", "--truth", "gold"]
    command = [sys.executable, str(SCRIPT), "file", str(path), *columns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert (found["texts"], found["people"]) == (60, 3)
    assert set(found["methods"]) == {"majority", "dawid_skene", "crowdlab", "fused"}
    assert found["methods"]["fused"]["labels"]["mean"] > 0.9
