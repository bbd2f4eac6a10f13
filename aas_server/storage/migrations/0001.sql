-- Facts about the store itself: its id, and whether it is open.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- One row a document. pk is the sequence number of its creation, so it orders lists and never comes again.
-- The row is small on purpose: a new revision must not rewrite a large body.
-- pending is the time of the newest value in value_log, 0 where there is none.
CREATE TABLE document (
    pk INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    pending REAL NOT NULL DEFAULT 0,
    UNIQUE (kind, id)
);
CREATE INDEX document_kind ON document (kind);
CREATE INDEX document_pending ON document (pending) WHERE pending > 0;

-- The bytes as served.
CREATE TABLE body (pk INTEGER PRIMARY KEY, body BLOB NOT NULL);

-- Names and texts that stand in many rows, once.
CREATE TABLE term (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

-- What lists are filtered by.
CREATE TABLE label (
    kind INTEGER NOT NULL, name INTEGER NOT NULL, value TEXT NOT NULL, pk INTEGER NOT NULL,
    PRIMARY KEY (kind, name, value, pk)
) WITHOUT ROWID;

-- A place where values stand: a path and the semantic id of the element there.
CREATE TABLE slot (id INTEGER PRIMARY KEY, path TEXT NOT NULL, semantic TEXT NOT NULL, UNIQUE (path, semantic));
CREATE INDEX slot_semantic ON slot (semantic);

-- Typed values of elements: numbers as numbers, everything else as text.
CREATE TABLE element (
    slot INTEGER NOT NULL, value NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (slot, value, pk)
) WITHOUT ROWID;

-- Values set since the body was written, the newest of each element; path and attributes are JSON.
CREATE TABLE value_log (
    pk INTEGER NOT NULL, path TEXT NOT NULL, attributes TEXT NOT NULL, PRIMARY KEY (pk, path)
) WITHOUT ROWID;

-- What happened, in order and without gaps; path and attributes are JSON. A number is never given twice, not even when
-- the newest rows were trimmed.
CREATE TABLE change (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    path TEXT,
    attributes TEXT
);

-- Binaries in chunks. sha256 is NULL while one is being received, and when it is to be removed (size -1): that is done
-- piece by piece. An id never comes again, so that a reader of a removed one never gets another's bytes.
CREATE TABLE blob (id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 TEXT UNIQUE, size INTEGER NOT NULL DEFAULT 0);
CREATE TABLE chunk (blob INTEGER NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (blob, position));

-- Which binaries a document has, under which names.
CREATE TABLE part (
    pk INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content_type TEXT NOT NULL,
    thumbnail INTEGER NOT NULL,
    PRIMARY KEY (pk, name)
) WITHOUT ROWID;
CREATE INDEX part_sha256 ON part (sha256);
