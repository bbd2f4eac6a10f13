-- The index of elements learns what queries ask: every element has a row, and a slot says what kind of place it is.
-- The rows are made again from the documents when the store is opened (rebuilding.py).
DROP TABLE element;
DROP TABLE slot;

-- A place where elements stand: the path, the semantic id and its first key's value, the element's own idShort, the type
-- of its values, the language of its texts. pattern is the path without indexes and language, tail its last segment;
-- chained says that the semantic id has further keys, verbatim that texts stand in the index as they are written.
CREATE TABLE slot (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    semantic TEXT NOT NULL,
    meaning TEXT NOT NULL,
    id_short TEXT NOT NULL,
    value_type TEXT NOT NULL,
    language TEXT NOT NULL,
    pattern TEXT NOT NULL,
    tail TEXT NOT NULL,
    chained INTEGER NOT NULL,
    verbatim INTEGER NOT NULL,
    UNIQUE (path, semantic, meaning, id_short, value_type, language)
);
CREATE INDEX slot_meaning ON slot (meaning);
CREATE INDEX slot_tail ON slot (tail);
CREATE INDEX slot_id_short ON slot (id_short);
CREATE INDEX slot_chained ON slot (id) WHERE chained = 1;

-- Typed values of elements: numbers as numbers, everything else as text; an empty blob for an element without a value.
CREATE TABLE element (
    slot INTEGER NOT NULL, value NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (slot, value, pk)
) WITHOUT ROWID;

-- The texts of the elements of a submodel, by its pk: which three characters stand next to each other somewhere in it.
-- What stands there is always what the body says, or said when its row in text_due was written.
CREATE VIRTUAL TABLE texts USING fts5 (
    content, tokenize = 'trigram case_sensitive 1', content = '', detail = none, columnsize = 0
);
-- Submodels whose texts are still to be read, and what stands in texts for them.
CREATE TABLE text_due (pk INTEGER PRIMARY KEY, before TEXT NOT NULL);
-- Submodels with more texts than texts takes.
CREATE TABLE text_wide (pk INTEGER PRIMARY KEY);
INSERT INTO text_due (pk, before) SELECT pk, '' FROM document WHERE kind = 2;

-- How far the rows have been made again: the pk of the last document.
INSERT INTO meta (key, value) VALUES ('rebuilt', '0');
