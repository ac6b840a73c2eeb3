"""Schema 4: evidence about each label, consensus of people, more reasons for second looks."""

DDL = """
DROP VIEW doubtful_labels;

-- What speaks for and against each label: all that were judged as of the newest round, of earlier
-- rounds those that looked wrong.
--   given: the label then
--   suggested: the class that fits best; the label itself where none fits better
--   doubt: 0 to 1, the higher the more doubtful, comparable within a round only
--   confidence: probability of the label by a model that did not see it
--   neighbors: share of the label among the most similar labeled texts, the nearer the heavier
--   flagged: 1: it looks wrong
CREATE TABLE evidence (
    round INTEGER NOT NULL, item_id TEXT NOT NULL REFERENCES items(id),
    given TEXT NOT NULL, suggested TEXT NOT NULL, doubt REAL NOT NULL, confidence REAL,
    neighbors REAL, flagged INTEGER NOT NULL CHECK (flagged IN (0, 1)),
    PRIMARY KEY (round, item_id)
) STRICT;
INSERT INTO evidence SELECT round, item_id, given, suggested, 1 - score, score, NULL, flagged
    FROM issues;
DROP TABLE issues;

-- Labels that look wrong, as of the newest look at them, unless they were set by hand since. Those
-- that people corrected or confirmed since stay until the next look: `al-loop noise` leaves them
-- out at once.
--   label: as it was then
--   suggested: the class that fits better
--   doubt: 0 to 1, the higher the more doubtful
--   confidence: probability of the label by a model that did not see it
--   neighbors: share of the label among the most similar labeled texts
--   role: pool or test
CREATE VIEW doubtful_labels AS
    SELECT e.item_id, i.text, i.role, e.given AS label, e.suggested, e.doubt, e.confidence,
        e.neighbors, e.round
    FROM evidence e JOIN items i ON i.id = e.item_id JOIN labels l ON l.item_id = i.id
    WHERE e.flagged = 1 AND l.status <> 'fixed' AND l.label IS NOT NULL
        AND e.round = (SELECT MAX(t.round) FROM transitions t WHERE t.state = 'audited');

-- What differing votes on a text add up to. It counts as long as the votes are the same; without a
-- majority, or against it, only with a quality above 0.5: else the text is in conflict. Once votes
-- change the majority counts, until the next round looks. By majority it is for information only.
--   label: the class
--   quality: 0 to 1, how sure it is; by fused the probability that it is right
--   votes: that it was worked out from, a JSON object of person and class
--   method: fused, crowdlab, majority or dawid_skene; majority where there was too little to go on
--   round: that worked it out
CREATE TABLE consensus (
    item_id TEXT PRIMARY KEY REFERENCES items(id), label TEXT NOT NULL, quality REAL NOT NULL,
    votes TEXT NOT NULL, method TEXT NOT NULL
        CHECK (method IN ('fused', 'crowdlab', 'majority', 'dawid_skene')), round INTEGER NOT NULL
) STRICT;

-- Texts with an answer that people are asked about once more.
--   look: of the task that asks
--   reason: split (their class was split), rejected (what was ticked is no class), noise (the
--       label looks wrong), relabel (a second label buys more than a new text) or gold (the label
--       is sure: it measures people)
--   suggestion: shown with it, empty for none
--   version: of the change of classes that asked for it; empty for other reasons
--   givers: who gave the label, a JSON list: their answer does not settle it
--   round: whose batch it came into; empty while it waits
--   sent: in how many batches it was
CREATE TABLE second_looks_4 (
    id INTEGER PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items(id),
    look INTEGER NOT NULL CHECK (look > 0),
    reason TEXT NOT NULL CHECK (reason IN ('split', 'rejected', 'noise', 'relabel', 'gold')),
    suggestion TEXT, version INTEGER REFERENCES class_changes(version),
    givers TEXT NOT NULL DEFAULT '[]', round INTEGER, sent INTEGER NOT NULL DEFAULT 0,
    at TEXT NOT NULL, CHECK ((version IS NOT NULL) = (reason IN ('split', 'rejected'))),
    UNIQUE (item_id, version)
) STRICT;
INSERT INTO second_looks_4 (id, item_id, look, reason, suggestion, version, round, sent, at)
    SELECT id, item_id, look, reason, suggestion, version, round, round IS NOT NULL, at
    FROM second_looks;
DROP TABLE second_looks;
ALTER TABLE second_looks_4 RENAME TO second_looks;
"""
