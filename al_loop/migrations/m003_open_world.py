"""Schema 3: classes that change, groups of texts that may be classes, second looks."""

DDL = """
DROP VIEW class_counts;

-- The classes that can be chosen.
--   position: the class order of every stored model
--   examples: texts that show the class, a JSON list
--   origin: who named it: config (config.toml), data, command (al-loop classes add), oracle,
--       proposal (people missed it), cluster (a group of texts) or split (a part of a class)
CREATE TABLE classes_3 (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '',
    examples TEXT NOT NULL DEFAULT '[]', origin TEXT NOT NULL CHECK (origin IN
        ('config', 'data', 'command', 'oracle', 'proposal', 'cluster', 'split')),
    added_at TEXT NOT NULL
) STRICT;
INSERT INTO classes_3 SELECT * FROM classes;
DROP TABLE classes;
ALTER TABLE classes_3 RENAME TO classes;

-- Each class with its labels in the training set.
--   origin: who named it: config (config.toml), data, command (al-loop classes add), oracle,
--       proposal (people missed it), cluster (a group of texts) or split (a part of a class)
CREATE VIEW class_counts AS
    SELECT c.name AS class, c.description, c.origin, c.added_at, COUNT(i.id) AS labels
    FROM classes c LEFT JOIN labels l ON l.label = c.name
    LEFT JOIN items i ON i.id = l.item_id AND i.role = 'pool'
    GROUP BY c.name ORDER BY c.position;

-- Every change of the classes, oldest first. Rows are never changed.
--   version: of the list of classes after it; 0 is the list before the first change
--   action: add, accept, reject, merge, rename, split or describe
--   classes: those that it was about, a JSON list
--   names: a JSON object: names that count as another class from now on, and as which; answers
--       keep the name that was ticked
--   detail: whatever else was decided, a JSON object
--   author: a person, config.toml, a file of data, or oracle
CREATE TABLE class_changes (
    version INTEGER PRIMARY KEY, action TEXT NOT NULL CHECK (action IN
        ('add', 'accept', 'reject', 'merge', 'rename', 'split', 'describe')),
    classes TEXT NOT NULL, names TEXT NOT NULL DEFAULT '{}', detail TEXT NOT NULL DEFAULT '{}',
    author TEXT NOT NULL, at TEXT NOT NULL
) STRICT;
CREATE TRIGGER class_changes_stay BEFORE UPDATE ON class_changes BEGIN
    SELECT RAISE(ABORT, 'changes of classes are kept');
END;
CREATE TRIGGER class_changes_are_kept BEFORE DELETE ON class_changes BEGIN
    SELECT RAISE(ABORT, 'changes of classes are kept');
END;

-- Which list of classes each round began with.
--   version: of class_changes
CREATE TABLE round_classes (
    round INTEGER PRIMARY KEY REFERENCES rounds(number), version INTEGER NOT NULL
) STRICT;

-- Groups of similar texts that rounds found, or that a class was split into. A group keeps its row
-- while most of its texts stay together.
--   name: short, of its key phrases or by a namer; no class and no other group has it
--   origin: pool (found among unlabeled texts) or split (a part of the class `parent`)
--   parent: the class that was split
--   status: open (nobody has decided), accepted (is a class) or rejected
--   class: that it was accepted as
--   offered: 1: people can tick it
--   shown: 1: people could tick it once, so that its name stays; only triggers write here
--   first_round: that found it; 0 for those that no round found
CREATE TABLE clusters (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, origin TEXT NOT NULL
        CHECK (origin IN ('pool', 'split')), parent TEXT,
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'rejected')),
    class TEXT, offered INTEGER NOT NULL DEFAULT 0 CHECK (offered IN (0, 1)),
    shown INTEGER NOT NULL DEFAULT 0 CHECK (shown IN (0, 1)),
    first_round INTEGER NOT NULL, added_at TEXT NOT NULL
) STRICT;
CREATE TRIGGER clusters_offered_first AFTER INSERT ON clusters WHEN new.offered = 1 BEGIN
    UPDATE clusters SET shown = 1 WHERE id = new.id;
END;
CREATE TRIGGER clusters_offered AFTER UPDATE ON clusters WHEN new.offered > new.shown BEGIN
    UPDATE clusters SET shown = 1 WHERE id = new.id;
END;

-- What a round saw of each group, before it chose its batch. Of the parts of what HDBSCAN calls
-- noise only the 50 largest novel ones are kept.
--   size: unlabeled texts in it
--   density: mean cosine of its texts to its center
--   dense: 1: HDBSCAN found it; 0: it is a part of what HDBSCAN calls noise, split by k-means
--   phrases: that set it apart, a JSON list, the strongest first
--   central: ids of its most central texts, a JSON list
--   nearest: the known class nearest to its center; empty when none is known
--   similarity: the cosine of its center to that of `nearest`
--   novel: 1: it is too far from all known classes to be one of them
--   stability: how much of it bootstraps find again, 0 to 1; empty when it was not looked at
CREATE TABLE cluster_rounds (
    round INTEGER NOT NULL, cluster INTEGER NOT NULL REFERENCES clusters(id),
    size INTEGER NOT NULL, density REAL NOT NULL, dense INTEGER NOT NULL CHECK (dense IN (0, 1)),
    phrases TEXT NOT NULL, central TEXT NOT NULL, nearest TEXT, similarity REAL,
    novel INTEGER NOT NULL CHECK (novel IN (0, 1)), stability REAL, PRIMARY KEY (round, cluster)
) STRICT;

-- Which texts the groups have: as of the newest round that found them, less those that other
-- groups have by now; since the split for the parts of a class.
CREATE TABLE cluster_texts (
    item_id TEXT PRIMARY KEY REFERENCES items(id), cluster INTEGER NOT NULL REFERENCES clusters(id)
) STRICT;
CREATE INDEX cluster_texts_cluster ON cluster_texts(cluster);

-- Texts with an answer that people are asked about once more.
--   look: of the task that asks; an answer to it, or to a later one, settles the row
--   reason: split (their class was split) or rejected (what was ticked is no class)
--   suggestion: shown with it, empty for none
--   version: of the change of classes that asked for it
--   round: whose batch it came into; empty while it waits
CREATE TABLE second_looks (
    id INTEGER PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items(id),
    look INTEGER NOT NULL CHECK (look > 0),
    reason TEXT NOT NULL CHECK (reason IN ('split', 'rejected')), suggestion TEXT,
    version INTEGER NOT NULL REFERENCES class_changes(version), round INTEGER,
    at TEXT NOT NULL, UNIQUE (item_id, version)
) STRICT;

DROP VIEW suggestions;

-- Suggestions beside what people said, both in the names of that day. A suggestion that was left
-- ticked beside a missing class is none of it: the missing class is what they said. Nor are those
-- of texts that are asked about once more: they are no guess, and nobody is spared them.
--   blind: 1: they did not see the suggestion
--   same: 1: they said the same
CREATE VIEW suggestions AS
    SELECT w.round, w.item_id, w.annotator, w.blind, w.suggestion, w.label,
        w.suggestion = w.label AS same FROM answers_in_words w
    WHERE w.kind = 'label' AND w.label IS NOT NULL AND w.missing_class = ''
        AND w.suggestion IS NOT NULL AND NOT EXISTS (SELECT 1 FROM batch b
            WHERE b.round = w.round AND b.item_id = w.item_id AND b.look > 0);

-- Groups that may be classes: open, far from every known class in the newest round that looked.
--   cluster: its number
--   similarity: the cosine of its center to that of the nearest known class
--   stability: how much of it bootstraps find again, 0 to 1
--   offered: 1: people can tick it
CREATE VIEW candidate_classes AS
    SELECT c.id AS cluster, c.name, r.size, r.phrases, r.nearest, r.similarity, r.stability,
        c.offered, c.first_round FROM clusters c JOIN cluster_rounds r ON r.cluster = c.id
    WHERE c.status = 'open' AND c.origin = 'pool' AND r.novel = 1
        AND r.round = (SELECT MAX(round) FROM cluster_rounds) ORDER BY r.size DESC;
"""
