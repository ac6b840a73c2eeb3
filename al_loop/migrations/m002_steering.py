"""Schema 2: decisions by hand, rounds that were taken back, views with plain names."""

DDL = """
-- What someone decided about one text by hand; the newest row of a text counts, before all
-- answers. Without a label it takes the earlier decision back. Rows are never changed.
CREATE TABLE fixes (
    id INTEGER PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items(id), label TEXT,
    was TEXT, author TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE INDEX fixes_item ON fixes(item_id);
CREATE TRIGGER fixes_stay BEFORE UPDATE ON fixes BEGIN
    SELECT RAISE(ABORT, 'decisions are kept');
END;
CREATE TRIGGER fixes_are_kept BEFORE DELETE ON fixes BEGIN
    SELECT RAISE(ABORT, 'decisions are kept');
END;

-- Rounds that were taken back: how far they were, and what became of their tasks. `kept` ones
-- have been worked on and stay with the annotators.
CREATE TABLE undone (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, state TEXT NOT NULL, strategy TEXT NOT NULL,
    texts INTEGER NOT NULL, removed INTEGER NOT NULL, kept INTEGER NOT NULL,
    author TEXT NOT NULL, at TEXT NOT NULL
) STRICT;

DROP VIEW decided;
DROP VIEW labeled_texts;
DROP VIEW answers_by_annotator;

-- What each text counts as: derived from aliases, answers, fixes and classes, made anew with
-- every change of them. 'given', 'agreed' and 'fixed' rows have a label and are trained on.
-- Those of a test text may be of a class that is not known yet.
CREATE TABLE labels_2 (
    item_id TEXT PRIMARY KEY REFERENCES items(id),
    status TEXT NOT NULL CHECK (status IN
        ('given', 'agreed', 'fixed', 'conflict', 'skipped', 'proposed', 'unusable')),
    label TEXT, votes INTEGER NOT NULL,
    CHECK ((label IS NOT NULL) = (status IN ('given', 'agreed', 'fixed')))
) STRICT;
INSERT INTO labels_2 SELECT * FROM labels;
DROP TABLE labels;
ALTER TABLE labels_2 RENAME TO labels;

-- The texts that need nobody any more: all with a verdict, but for those whose labels in the data
-- contradict each other and that no person has decided on.
CREATE VIEW decided AS
    SELECT item_id FROM labels WHERE NOT (status = 'conflict' AND votes = 0);

-- Every text that counts as something, with its label: start here.
CREATE VIEW labeled_texts AS
    SELECT i.id, i.text, l.label, l.status, l.votes, i.role
    FROM labels l JOIN items i ON i.id = l.item_id;

-- Every answer that stands, in words: who said what about which text, in which round. `through`
-- is where it was given: label_studio, terminal, oracle, or adopted (it was there before).
CREATE VIEW answers_in_words AS
    SELECT a.item_id, i.text, b.round, a.annotator, p.annotator AS through, a.kind,
           json_extract(a.labels, '$[0]') AS label, a.missing AS missing_class, a.comment,
           a.lead_time AS seconds, b.suggestion, b.blind, a.updated_at AS answered_at
    FROM answers a JOIN items i ON i.id = a.item_id JOIN projects p ON p.id = a.project_id
    LEFT JOIN batch b ON b.item_id = a.item_id AND b.look = a.look AND b.round =
        (SELECT MAX(c.round) FROM batch c WHERE c.item_id = a.item_id AND c.look = a.look)
    WHERE a.gone = 0;

-- What the budget was spent on: every answer but those that were there before.
CREATE VIEW purchases AS
    SELECT round, annotator, kind, label, seconds, answered_at
    FROM answers_in_words WHERE through <> 'adopted';

-- The same with the seconds that count. An answer that took at least two minutes, and more than
-- ten times as long as usual, had a break in it and counts as long as usual: the median of that
-- person, or of everybody when that person has fewer than five timed answers. An answer without
-- a time counts with the median of everybody. `counted` is null when nothing was ever timed.
CREATE VIEW spending AS
    WITH timed AS (SELECT round, annotator, kind, label, answered_at,
            CASE WHEN seconds > 0 THEN seconds END AS seconds FROM purchases),
    ranked AS MATERIALIZED (SELECT *,
            COUNT(seconds) OVER (PARTITION BY annotator) AS n,
            COUNT(seconds) OVER () AS n_all,
            ROW_NUMBER() OVER (PARTITION BY annotator ORDER BY seconds NULLS LAST) AS place,
            ROW_NUMBER() OVER (ORDER BY seconds NULLS LAST) AS place_all FROM timed),
    usual AS (SELECT annotator, AVG(seconds) AS mine FROM ranked
        WHERE n >= 5 AND place IN ((n + 1) / 2, (n + 2) / 2) GROUP BY annotator),
    median AS (SELECT AVG(seconds) AS ours FROM ranked
        WHERE place_all IN ((n_all + 1) / 2, (n_all + 2) / 2))
    SELECT r.round, r.annotator, r.kind, r.label, r.answered_at, r.seconds,
        CASE WHEN r.seconds >= 120 AND r.seconds > 10 * coalesce(u.mine, m.ours)
            THEN coalesce(u.mine, m.ours) ELSE coalesce(r.seconds, m.ours) END AS counted
    FROM ranked r JOIN median m LEFT JOIN usual u ON u.annotator = r.annotator;

-- Labels paid for, all answers, those that were skipped, and hours of work without the breaks:
-- by round (null: the text was in no batch), by annotator, and by the class that was answered
-- (null: a skip, a class that is missing, or nothing that fits the page).
CREATE VIEW spending_by_round AS
    SELECT round, SUM(kind = 'label') AS labels, COUNT(*) AS answers, SUM(kind = 'skip') AS skips,
        SUM(counted) / 3600 AS hours FROM spending GROUP BY round;
CREATE VIEW spending_by_annotator AS
    SELECT annotator, SUM(kind = 'label') AS labels, COUNT(*) AS answers,
        SUM(kind = 'skip') AS skips, SUM(counted) / 3600 AS hours
    FROM spending GROUP BY annotator;
CREATE VIEW spending_by_class AS
    SELECT CASE kind WHEN 'label' THEN label END AS class, SUM(kind = 'label') AS labels,
        COUNT(*) AS answers, SUM(kind = 'skip') AS skips, SUM(counted) / 3600 AS hours
    FROM spending GROUP BY class;

-- What each person did.
CREATE VIEW answers_by_annotator AS
    SELECT annotator, COUNT(*) AS answers, SUM(kind = 'skip') AS skips,
           AVG(lead_time) AS mean_seconds, MAX(updated_at) AS last_answer
    FROM answers WHERE gone = 0 GROUP BY annotator;

-- One line a round: what it cost and what it brought.
CREATE VIEW round_results AS
    SELECT r.number AS round, r.state, r.strategy, r.created_at,
        (SELECT COUNT(*) FROM batch b WHERE b.round = r.number AND b.released = 0) AS texts,
        CAST(MAX(CASE WHEN m.name = 'labels' THEN m.value END) AS INTEGER) AS labels,
        CAST(MAX(CASE WHEN m.name = 'answers' THEN m.value END) AS INTEGER) AS answers,
        MAX(CASE WHEN m.name = 'accuracy' THEN m.value END) AS accuracy,
        MAX(CASE WHEN m.name = 'accuracy' THEN m.low END) AS accuracy_low,
        MAX(CASE WHEN m.name = 'accuracy' THEN m.high END) AS accuracy_high,
        MAX(CASE WHEN m.name = 'macro_f1' THEN m.value END) AS macro_f1,
        CAST(MAX(CASE WHEN m.name = 'classes_seen' THEN m.value END) AS INTEGER) AS classes_seen,
        CAST(MAX(CASE WHEN m.name = 'classes_known' THEN m.value END) AS INTEGER)
            AS classes_known,
        CAST(MAX(CASE WHEN m.name = 'noise_found' THEN m.value END) AS INTEGER) AS doubtful
    FROM rounds r LEFT JOIN metrics m ON m.round = r.number GROUP BY r.number;

-- Suggestions beside what people said. `blind` ones were hidden from them.
CREATE VIEW suggestions AS
    SELECT round, item_id, annotator, blind, suggestion, label, suggestion = label AS same
    FROM answers_in_words
    WHERE kind = 'label' AND label IS NOT NULL AND suggestion IS NOT NULL;

-- Labels that look wrong, as of the newest audited round; a score near 0 is severe.
CREATE VIEW doubtful_labels AS
    SELECT s.item_id, i.text, s.given AS label, s.suggested, s.score, s.round
    FROM issues s JOIN items i ON i.id = s.item_id
    WHERE s.flagged = 1 AND s.round =
        (SELECT MAX(t.round) FROM transitions t WHERE t.state = 'audited');

-- Each class with its labels in the training set.
CREATE VIEW class_counts AS
    SELECT c.name AS class, c.description, c.origin, c.added_at, COUNT(i.id) AS labels
    FROM classes c LEFT JOIN labels l ON l.label = c.name
    LEFT JOIN items i ON i.id = l.item_id AND i.role = 'pool'
    GROUP BY c.name ORDER BY c.position;

-- What was changed afterwards: answers that were edited or deleted, and decisions by hand.
CREATE VIEW label_changes AS
    SELECT a.item_id, 'answer' AS what, a.annotator AS who,
           json_extract(h.labels, '$[0]') AS was, '' AS reason, h.updated_at AS was_since
    FROM answer_history h JOIN answers a
      ON a.project_id = h.project_id AND a.annotation_id = h.annotation_id
    UNION ALL
    SELECT item_id, 'fix', author, was, reason, at FROM fixes;
"""
