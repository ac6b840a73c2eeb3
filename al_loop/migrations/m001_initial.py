"""Schema 1: everything that a round needs."""

DDL = """
-- Facts about the workspace.
--   key: uuid, made_by (the version that made it), columns (as they were read)
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- One row a file that was read.
--   role: what its texts are for: pool or test
--   rows: rows in the file, without the header
--   added: texts that were new
--   duplicates: rows that were there already, with id and text
--   bad: rows that were left out
CREATE TABLE imports (
    id INTEGER PRIMARY KEY, file TEXT NOT NULL, role TEXT NOT NULL,
    rows INTEGER NOT NULL, added INTEGER NOT NULL, duplicates INTEGER NOT NULL,
    bad INTEGER NOT NULL, at TEXT NOT NULL
) STRICT;

-- The distinct texts.
--   id: the first id under which the text came
--   position: the order of arrival
--   text_hash: SHA-256 of the normalized text
--   role: pool: may be labeled and trained on; test: only measured on
CREATE TABLE items (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, text TEXT NOT NULL,
    text_hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL CHECK (role IN ('pool', 'test'))
) STRICT;

-- Every id under which a text came, the text's own among them, with what that row said.
--   line: line of the file, or row of a Parquet file
--   label: the label that came with the row
--   extra: the kept columns, a JSON object
CREATE TABLE aliases (
    id TEXT PRIMARY KEY, item_id TEXT NOT NULL REFERENCES items(id),
    import_id INTEGER NOT NULL REFERENCES imports(id), line INTEGER NOT NULL,
    label TEXT, extra TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX aliases_item ON aliases(item_id);

-- The classes that can be chosen.
--   position: the class order of every stored model
--   examples: texts that show the class, a JSON list
--   origin: who named it: config.toml, the data, al-loop classes add, or an oracle
CREATE TABLE classes (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '',
    examples TEXT NOT NULL DEFAULT '[]', origin TEXT NOT NULL
        CHECK (origin IN ('config', 'data', 'command', 'oracle')),
    added_at TEXT NOT NULL
) STRICT;

-- Where tasks go: one project for each place where people answer.
--   annotator: the place: label_studio, terminal, oracle, adopted
--   marker: stands in the project's description on the server, to find it again
--   remote_id: the project's number on the server
--   url: the page where people label
--   annotated: tasks with an answer, as of the last pull
--   digest: of the last pull, to tell whether anything is new
CREATE TABLE projects (
    id INTEGER PRIMARY KEY, role TEXT NOT NULL CHECK (role IN ('labeling', 'review')),
    annotator TEXT NOT NULL, marker TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    remote_id INTEGER, url TEXT NOT NULL DEFAULT '', annotated INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL DEFAULT '', pulled_at TEXT, UNIQUE (role, annotator)
) STRICT;

-- One row a round.
--   state: the last step that was finished
--   config: the settings it began with, as JSON; used again when it is resumed
--   versions: of the packages that matter, as JSON
--   model_version: of the model that made the suggestions
--   pool_size: texts without a label that it chose from
CREATE TABLE rounds (
    number INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id),
    state TEXT NOT NULL CHECK (state IN
        ('selected', 'pushed', 'pulled', 'audited', 'trained', 'logged')),
    strategy TEXT NOT NULL, seed INTEGER NOT NULL, config TEXT NOT NULL, versions TEXT NOT NULL,
    model_version TEXT NOT NULL, pool_size INTEGER NOT NULL, created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_open_round ON rounds(project_id) WHERE state <> 'logged';

-- What each round chose.
--   look: 0; counts how often a text is shown anew
--   rank: 1 for the text that was wanted most
--   strategy: what chose this text: the round's strategy, a part of a mix, or random
--   score: acquisition score, comparable within a strategy only
--   inclusion: probability with which it was drawn; empty for texts that were not drawn
--   why: the reason in words
--   suggestion: what the model said then; empty before the first model
--   suggestion_score: the model's probability of it
--   blind: 1: people did not see the suggestion
--   overlap: so many people are asked
--   released: 1: the text went back to the pool unanswered
CREATE TABLE batch (
    round INTEGER NOT NULL REFERENCES rounds(number), item_id TEXT NOT NULL REFERENCES items(id),
    look INTEGER NOT NULL DEFAULT 0, rank INTEGER NOT NULL, strategy TEXT NOT NULL,
    score REAL, inclusion REAL, why TEXT NOT NULL, suggestion TEXT, suggestion_score REAL,
    blind INTEGER NOT NULL CHECK (blind IN (0, 1)), overlap INTEGER NOT NULL CHECK (overlap > 0),
    released INTEGER NOT NULL DEFAULT 0 CHECK (released IN (0, 1)),
    PRIMARY KEY (round, item_id, look)
) STRICT;
CREATE INDEX batch_item ON batch(item_id);

-- One task a look at a text, for ever; a later selection of the text uses it again.
--   key: the text's id and the look, as in m17:0
--   overlap: so many people are asked
--   remote_id: the task's number on the server; empty until it is there
--   gone: 1: it was deleted on the server
CREATE TABLE tasks (
    project_id INTEGER NOT NULL REFERENCES projects(id), key TEXT NOT NULL,
    item_id TEXT NOT NULL REFERENCES items(id), look INTEGER NOT NULL,
    overlap INTEGER NOT NULL, remote_id INTEGER, gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, key), UNIQUE (project_id, item_id, look)
) STRICT;

-- Every answer as it stands now. The view answers_in_words is easier to read.
--   annotation_id: its number on the server
--   key: of the task
--   annotator: e-mail address or name
--   kind: label, skip, empty (nothing was ticked), or invalid (does not fit the page)
--   labels: the ticked class, a JSON list
--   missing: the class that the person missed on the list, in their words
--   origin: manual, prediction (the suggestion as it came) or prediction-changed
--   lead_time: seconds that the text was open, breaks included
--   model_version: of the suggestion that the person saw
--   problem: why it is invalid
--   gone: 1: it was deleted
CREATE TABLE answers (
    project_id INTEGER NOT NULL REFERENCES projects(id), annotation_id INTEGER NOT NULL,
    key TEXT NOT NULL, item_id TEXT NOT NULL REFERENCES items(id), look INTEGER NOT NULL,
    annotator TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('label', 'skip', 'empty', 'invalid')),
    labels TEXT NOT NULL, missing TEXT NOT NULL, comment TEXT NOT NULL, origin TEXT NOT NULL,
    lead_time REAL, model_version TEXT NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, problem TEXT NOT NULL, gone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, annotation_id)
) STRICT;
CREATE INDEX answers_item ON answers(item_id);

-- What an answer said before it was edited or deleted; only a trigger writes here.
--   labels: as in answers, so are the other columns
--   updated_at: when that version was made; when it ended, nobody tells
CREATE TABLE answer_history (
    id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, annotation_id INTEGER NOT NULL,
    kind TEXT NOT NULL, labels TEXT NOT NULL, missing TEXT NOT NULL, comment TEXT NOT NULL,
    updated_at TEXT NOT NULL, gone INTEGER NOT NULL
) STRICT;
CREATE TRIGGER keep_old_answer AFTER UPDATE ON answers BEGIN
    INSERT INTO answer_history
        (project_id, annotation_id, kind, labels, missing, comment, updated_at, gone)
    VALUES (old.project_id, old.annotation_id, old.kind, old.labels, old.missing, old.comment,
            old.updated_at, old.gone);
END;
CREATE TRIGGER answers_are_kept BEFORE DELETE ON answers BEGIN
    SELECT RAISE(ABORT, 'answers are never deleted');
END;
CREATE TRIGGER history_is_kept BEFORE DELETE ON answer_history BEGIN
    SELECT RAISE(ABORT, 'history only grows');
END;
CREATE TRIGGER history_stays BEFORE UPDATE ON answer_history BEGIN
    SELECT RAISE(ABORT, 'history only grows');
END;

-- What each item counts as: derived from aliases, answers and classes, made anew with every
-- change of them. Only 'given' and 'agreed' rows have a label and are trained on. Those of a
-- test text may be of a class that is not known yet.
CREATE TABLE labels (
    item_id TEXT PRIMARY KEY REFERENCES items(id),
    status TEXT NOT NULL CHECK (status IN
        ('given', 'agreed', 'conflict', 'skipped', 'proposed', 'unusable')),
    label TEXT, votes INTEGER NOT NULL,
    CHECK ((label IS NOT NULL) = (status IN ('given', 'agreed')))
) STRICT;

-- The texts that need nobody any more: all with a verdict, but for those whose labels in the data
-- contradict each other and that no person has decided on.
CREATE VIEW decided AS
    SELECT item_id FROM labels WHERE NOT (status = 'conflict' AND votes = 0);

-- A trained classifier; the newest row is the current one.
--   version: stands in every suggestion that it makes
--   path: relative to .al-loop/models
--   sha256: of that file
--   kind: logistic, balanced, svm, nearest_mean or self_training
--   classes: in the order of its probabilities, a JSON list
--   labels: texts that it was trained on
CREATE TABLE models (
    id INTEGER PRIMARY KEY, round INTEGER NOT NULL UNIQUE REFERENCES rounds(number),
    version TEXT NOT NULL, path TEXT NOT NULL, sha256 TEXT NOT NULL, kind TEXT NOT NULL,
    encoder TEXT NOT NULL, classes TEXT NOT NULL, labels INTEGER NOT NULL, created_at TEXT NOT NULL
) STRICT;

-- Labels that each round's audit had doubts about; doubtful_labels has the newest.
--   kind: label, cleanlab's name of what may be wrong
--   score: 0 to 1, low is severe
--   flagged: 1: it looks wrong; 0: only that another class fits better
--   given: the label then
--   suggested: the class that fits better
CREATE TABLE issues (
    round INTEGER NOT NULL REFERENCES rounds(number), item_id TEXT NOT NULL REFERENCES items(id),
    kind TEXT NOT NULL, score REAL NOT NULL, flagged INTEGER NOT NULL, given TEXT NOT NULL,
    suggested TEXT NOT NULL, PRIMARY KEY (round, item_id, kind)
) STRICT;

-- Numbers of a round, one a row; the view round_results has the most wanted in columns.
--   name: accuracy, macro_f1, labels (of people), given (with the data), answers, pool, ...
--   low: lower end of the 95 % interval, where there is one
--   high: its upper end
CREATE TABLE metrics (
    round INTEGER NOT NULL REFERENCES rounds(number), name TEXT NOT NULL, value REAL,
    low REAL, high REAL, PRIMARY KEY (round, name)
) STRICT;

-- Facts of a round that are not numbers.
--   name: accuracy_from, head (the classifier and why), audit_left_out (too few labels), ...
--   value: JSON
CREATE TABLE notes (
    round INTEGER NOT NULL REFERENCES rounds(number), name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (round, name)
) STRICT;

-- When a round reached each state.
--   seconds: of work that the step took; waiting for people is not in it
CREATE TABLE transitions (
    round INTEGER NOT NULL REFERENCES rounds(number), state TEXT NOT NULL, at TEXT NOT NULL,
    seconds REAL NOT NULL, PRIMARY KEY (round, state)
) STRICT;

-- Where the vector of a text lies in .al-loop/vectors.
--   shard: number of the file
--   row: its row there
CREATE TABLE vectors (
    encoder TEXT NOT NULL, text_hash TEXT NOT NULL, shard INTEGER NOT NULL, row INTEGER NOT NULL,
    PRIMARY KEY (encoder, text_hash)
) STRICT, WITHOUT ROWID;

-- The labeled texts.
CREATE VIEW labeled_texts AS
    SELECT i.id, i.text, l.label, l.status, l.votes, i.role
    FROM items i JOIN labels l ON l.item_id = i.id;

-- The texts that people have to answer now, in the order of the batch.
--   strategy: what chose this text
--   score: acquisition score, comparable within a strategy only
--   why: the reason in words
--   blind: 1: people don't see the suggestion
CREATE VIEW open_batch AS
    SELECT b.round, b.rank, b.item_id, i.text, b.strategy, b.score, b.why, b.suggestion, b.blind
    FROM batch b JOIN rounds r ON r.number = b.round JOIN items i ON i.id = b.item_id
    WHERE r.state <> 'logged' AND b.released = 0 ORDER BY b.round, b.rank;

-- What each person did.
CREATE VIEW answers_by_annotator AS
    SELECT annotator, COUNT(*) AS answers, SUM(kind = 'skip') AS skips,
           AVG(lead_time) AS mean_seconds, MAX(updated_at) AS last_answer
    FROM answers WHERE gone = 0 GROUP BY annotator;
"""
