"""Schema 2: decisions by hand, rounds that were taken back, views with plain names."""

DDL = """
-- What someone decided about one text by hand; the newest row of a text counts, before all
-- answers. Rows are never changed.
--   label: empty: the earlier decision is taken back
--   was: the label before, if there was one
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

-- Rounds that were taken back.
--   round: its number; the next round may have the same
--   state: how far it was
--   texts: texts in its batch
--   removed: tasks that were removed from the server
--   kept: tasks that somebody had worked on; they stay with the annotators
CREATE TABLE undone (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL, state TEXT NOT NULL, strategy TEXT NOT NULL,
    texts INTEGER NOT NULL, removed INTEGER NOT NULL, kept INTEGER NOT NULL,
    author TEXT NOT NULL, at TEXT NOT NULL
) STRICT;

DROP VIEW decided;
DROP VIEW labeled_texts;
DROP VIEW answers_by_annotator;

-- What each text counts as: derived from aliases, answers, fixes and classes, made anew with
-- every change of them.
--   status: given (with the data), agreed (by people) or fixed (by hand); these have a label. Or
--       conflict (different labels), skipped, proposed (a missing class was named) or unusable
--   label: those of the pool are trained on; of a test text it may be no known class
--   votes: people whose answer counts
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
--   status: given (with the data), agreed (by people) or fixed (by hand); these have a label. Or
--       conflict (different labels), skipped, proposed (a missing class was named) or unusable
--   votes: people whose answer counts
--   role: pool or test
CREATE VIEW labeled_texts AS
    SELECT i.id, i.text, l.label, l.status, l.votes, i.role
    FROM labels l JOIN items i ON i.id = l.item_id;

-- Every answer that stands, in words: who said what about which text, in which round.
--   round: the last round that chose the text; empty for answers that were there before
--   through: where it was given: label_studio, terminal, oracle, or adopted (it was there before)
--   kind: label, skip, empty (nothing was ticked), or invalid (does not fit the page)
--   label: the ticked name, as it was on that day: class_changes says what it counts as by now
--   missing_class: the class that the person missed on the list, in their words
--   seconds: that the text was open, breaks included
--   suggestion: what was suggested when the text was chosen: the model's class, or a candidate
--   blind: 1: they did not see the suggestion
--   answered_at: in UTC, as all times here
CREATE VIEW answers_in_words AS
    SELECT a.item_id, i.text, b.round, a.annotator, p.annotator AS through, a.kind,
           json_extract(a.labels, '$[0]') AS label, a.missing AS missing_class, a.comment,
           a.lead_time AS seconds, b.suggestion, b.blind, a.updated_at AS answered_at
    FROM answers a JOIN items i ON i.id = a.item_id JOIN projects p ON p.id = a.project_id
    LEFT JOIN batch b ON b.item_id = a.item_id AND b.look = a.look AND b.round =
        (SELECT MAX(c.round) FROM batch c WHERE c.item_id = a.item_id AND c.look = a.look)
    WHERE a.gone = 0;

-- What the budget was spent on: every answer but those that were there before.
--   label: the ticked class
--   seconds: that the text was open, breaks included
CREATE VIEW purchases AS
    SELECT round, annotator, kind, label, seconds, answered_at
    FROM answers_in_words WHERE through <> 'adopted';

-- The same with the seconds that count. An answer that took at least two minutes, and more than
-- ten times as long as usual, had a break in it and counts as long as usual: the median of that
-- person, or of everybody when that person has fewer than five timed answers. An answer without
-- a time counts with the median of everybody.
--   seconds: as in purchases
--   counted: seconds without the breaks; empty when nothing was ever timed
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

-- What each round cost.
--   round: empty: the text was in no batch
--   labels: answers that say something; those that name a missing class are among them
--   answers: all answers that were paid
--   skips: those that were skipped
--   hours: of work, without the breaks
CREATE VIEW spending_by_round AS
    SELECT round, SUM(kind = 'label') AS labels, COUNT(*) AS answers, SUM(kind = 'skip') AS skips,
        SUM(counted) / 3600 AS hours FROM spending GROUP BY round;

-- What each person's answers cost; the columns mean the same as in spending_by_round.
--   hours: of work, without the breaks
CREATE VIEW spending_by_annotator AS
    SELECT annotator, SUM(kind = 'label') AS labels, COUNT(*) AS answers,
        SUM(kind = 'skip') AS skips, SUM(counted) / 3600 AS hours
    FROM spending GROUP BY annotator;

-- What the answers of each class cost; the columns mean the same as in spending_by_round.
--   class: that was answered; empty: a skip, a missing class, or nothing that fits the page
--   hours: of work, without the breaks
CREATE VIEW spending_by_class AS
    SELECT CASE kind WHEN 'label' THEN label END AS class, SUM(kind = 'label') AS labels,
        COUNT(*) AS answers, SUM(kind = 'skip') AS skips, SUM(counted) / 3600 AS hours
    FROM spending GROUP BY class;

-- What each person did, skips counted among the answers.
--   mean_seconds: breaks included
CREATE VIEW answers_by_annotator AS
    SELECT annotator, COUNT(*) AS answers, SUM(kind = 'skip') AS skips,
           AVG(lead_time) AS mean_seconds, MAX(updated_at) AS last_answer
    FROM answers WHERE gone = 0 GROUP BY annotator;

-- One line a round: what it cost and what it brought.
--   state: logged when it is finished
--   texts: texts of its batch that did not go back to the pool
--   labels: labels of people after it, from all rounds
--   answers: answers after it, from all rounds
--   accuracy: of the model that it trained; empty when it could not be measured
--   accuracy_low: lower end of the 95 % interval
--   accuracy_high: its upper end
--   classes_seen: classes with a label
--   classes_known: classes that can be chosen
--   doubtful: labels that look wrong
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

-- Suggestions beside what people said, both in the names of that day. A suggestion that was left
-- ticked beside a missing class is none of it: the missing class is what they said.
--   blind: 1: they did not see the suggestion
--   same: 1: they said the same
CREATE VIEW suggestions AS
    SELECT round, item_id, annotator, blind, suggestion, label, suggestion = label AS same
    FROM answers_in_words
    WHERE kind = 'label' AND label IS NOT NULL AND missing_class = '' AND suggestion IS NOT NULL;

-- Labels that look wrong, as of the newest audited round, unless they were set by hand since.
--   label: as it was in that round
--   suggested: the class that fits better
--   score: 0 to 1, low is severe
CREATE VIEW doubtful_labels AS
    SELECT s.item_id, i.text, s.given AS label, s.suggested, s.score, s.round
    FROM issues s JOIN items i ON i.id = s.item_id LEFT JOIN labels l ON l.item_id = i.id
    WHERE s.flagged = 1 AND l.status IS NOT 'fixed' AND s.round =
        (SELECT MAX(t.round) FROM transitions t WHERE t.state = 'audited');

-- Each class with its labels in the training set.
--   origin: who named it: config (config.toml), data, command (al-loop classes add) or oracle
CREATE VIEW class_counts AS
    SELECT c.name AS class, c.description, c.origin, c.added_at, COUNT(i.id) AS labels
    FROM classes c LEFT JOIN labels l ON l.label = c.name
    LEFT JOIN items i ON i.id = l.item_id AND i.role = 'pool'
    GROUP BY c.name ORDER BY c.position;

-- What was changed afterwards: answers that were edited or deleted, and decisions by hand.
--   what: answer or fix
--   who: whose answer it was, or who decided
--   was: the label before
--   was_since: when the answer had become so; of a fix: when it was made
CREATE VIEW label_changes AS
    SELECT a.item_id, 'answer' AS what, a.annotator AS who,
           json_extract(h.labels, '$[0]') AS was, '' AS reason, h.updated_at AS was_since
    FROM answer_history h JOIN answers a
      ON a.project_id = h.project_id AND a.annotation_id = h.annotation_id
    UNION ALL
    SELECT item_id, 'fix', author, was, reason, at FROM fixes;
"""
