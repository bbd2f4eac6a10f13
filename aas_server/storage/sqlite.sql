-- name: find
-- A document by kind and id: body, and values set since, in one statement, so that both are of one moment.
SELECT d.pk, d.revision, b.body,
       CASE WHEN d.pending > 0 THEN (
           SELECT json_group_array(json_array(json(v.path), json(v.attributes))) FROM value_log v WHERE v.pk = d.pk
       ) END AS given, d.blobs, d.live
FROM document d JOIN body b ON b.pk = d.pk
WHERE d.kind = ? AND d.id = ?

-- name: head
-- A document without its body.
SELECT pk, revision, pending FROM document WHERE kind = ? AND id = ?

-- name: several
-- Documents by a JSON array of ids.
SELECT d.pk, d.revision, b.body,
       CASE WHEN d.pending > 0 THEN (
           SELECT json_group_array(json_array(json(v.path), json(v.attributes))) FROM value_log v WHERE v.pk = d.pk
       ) END AS given, d.blobs, d.live, d.id
FROM json_each(?) AS wanted JOIN document d ON d.kind = ? AND d.id = wanted.value JOIN body b ON b.pk = d.pk
ORDER BY wanted.key

-- name: page
-- Documents of a kind after a position, in the order of their creation.
SELECT d.pk, d.revision, b.body,
       CASE WHEN d.pending > 0 THEN (
           SELECT json_group_array(json_array(json(v.path), json(v.attributes))) FROM value_log v WHERE v.pk = d.pk
       ) END AS given, d.blobs, d.live, d.id
FROM document d JOIN body b ON b.pk = d.pk
WHERE d.kind = ? AND d.pk > ? ORDER BY d.pk LIMIT ?

-- name: value
-- The newest value of one element, where it is not in the body.
SELECT attributes FROM value_log WHERE pk = ? AND path = ?

-- name: pending
-- Documents whose newest value is older than a time.
SELECT kind, id FROM document WHERE pending > 0 AND pending < ? ORDER BY pending LIMIT ?

-- name: add_document
INSERT INTO document (pk, kind, id, revision, blobs) VALUES (?, ?, ?, ?, ?)

-- name: add_body
INSERT INTO body (pk, body) VALUES (?, ?)

-- name: set_revision
-- A new revision that is whole in the body.
UPDATE document SET revision = ?, pending = 0, live = 0, blobs = ? WHERE pk = ?

-- name: touch
-- A new revision whose value is in the value log.
UPDATE document SET revision = ?, live = 0, pending = ? WHERE pk = ?

-- name: touch_live
-- Values of the plant are in the value log, up to this number of the log; the revision stays.
UPDATE document SET live = ?, pending = ? WHERE pk = ?

-- name: set_body
UPDATE body SET body = ? WHERE pk = ?

-- name: fold
-- The body now holds every value.
UPDATE document SET pending = 0 WHERE pk = ?

-- name: remove_document
DELETE FROM document WHERE pk = ?

-- name: remove_body
DELETE FROM body WHERE pk = ?

-- name: remove_values
DELETE FROM value_log WHERE pk = ?

-- name: put_value
INSERT INTO value_log (pk, path, attributes) VALUES (?, ?, ?)
ON CONFLICT (pk, path) DO UPDATE SET attributes = excluded.attributes

-- name: find_term
SELECT id FROM term WHERE text = ?

-- name: add_term
INSERT INTO term (text) VALUES (?)

-- name: find_slot
SELECT id FROM slot
WHERE path = ? AND semantic = ? AND meaning = ? AND id_short = ? AND value_type = ? AND language = ?

-- name: add_slot
INSERT INTO slot (path, semantic, meaning, id_short, value_type, language, pattern, tail, chained, verbatim)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_label
INSERT OR IGNORE INTO label (kind, name, value, pk) VALUES (?, ?, ?, ?)

-- name: remove_label
DELETE FROM label WHERE kind = ? AND name = ? AND value = ? AND pk = ?

-- name: add_element
INSERT OR IGNORE INTO element (slot, value, pk) VALUES (?, ?, ?)

-- name: remove_element
DELETE FROM element WHERE slot = ? AND value = ? AND pk = ?

-- name: log
INSERT INTO change (sequence, at, event, kind, id, path, attributes, quality, source)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: changes
-- What happened after a number, in order.
SELECT sequence, at, event, kind, id, path, attributes, quality, source FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?

-- name: last_sequence
SELECT seq FROM sqlite_sequence WHERE name = 'change'

-- name: trim
DELETE FROM change WHERE sequence <= ?

-- name: parts
-- The binaries of a document.
SELECT p.name, p.sha256, b.size, p.content_type, p.thumbnail
FROM document d JOIN part p ON p.pk = d.pk JOIN blob b ON b.sha256 = p.sha256
WHERE d.kind = ? AND d.id = ? ORDER BY p.name

-- name: part_names
SELECT name FROM part WHERE pk = ?

-- name: put_part
INSERT INTO part (pk, name, sha256, content_type, thumbnail) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (pk, name) DO UPDATE
SET sha256 = excluded.sha256, content_type = excluded.content_type, thumbnail = excluded.thumbnail

-- name: remove_part
DELETE FROM part WHERE pk = ? AND name = ? RETURNING sha256

-- name: replaced_part
SELECT sha256 FROM part WHERE pk = ? AND name = ?

-- name: remove_parts
DELETE FROM part WHERE pk = ? RETURNING sha256

-- name: find_blob
SELECT id, size FROM blob WHERE sha256 = ?

-- name: doom_blob
-- Nobody can ask for it any more; its chunks go later, some at a time.
UPDATE blob SET sha256 = NULL, size = -1 WHERE id = ?

-- name: doomed
SELECT id FROM blob WHERE sha256 IS NULL AND size = -1 LIMIT 1

-- name: doom_orphans
-- What was not finished, or no document has; done once, when the store is opened.
UPDATE blob SET sha256 = NULL, size = -1
WHERE sha256 IS NULL OR NOT EXISTS (SELECT 1 FROM part p WHERE p.sha256 = blob.sha256)

-- name: start_blob
INSERT INTO blob (sha256) VALUES (NULL)

-- name: add_chunk
INSERT INTO chunk (blob, position, bytes) VALUES (?, ?, ?)

-- name: chunk
SELECT bytes FROM chunk WHERE blob = ? AND position = ?

-- name: finish_blob
UPDATE blob SET sha256 = ?, size = ? WHERE id = ?

-- name: remove_chunks
-- Some chunks of a binary, from the end.
DELETE FROM chunk WHERE blob = ? AND position > (SELECT max(position) FROM chunk WHERE blob = ?) - ?

-- name: has_chunks
SELECT 1 FROM chunk WHERE blob = ? LIMIT 1

-- name: remove_blob
DELETE FROM blob WHERE id = ?

-- name: unused_blob
-- A binary that no document has any more.
SELECT id FROM blob b WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM part p WHERE p.sha256 = b.sha256)

-- name: get_meta
SELECT value FROM meta WHERE key = ?

-- name: put_meta
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: unused_slots
-- Slots after a number that no value stands in; the newest stays, so that no number is ever given out twice.
SELECT s.id, s.path, s.semantic, s.meaning, s.id_short, s.value_type, s.language FROM slot s
WHERE s.id > ? AND s.id <= ? AND s.id < (SELECT max(id) FROM slot)
AND NOT EXISTS (SELECT 1 FROM element e WHERE e.slot = s.id)

-- name: unused_terms
-- The same of terms; the numbers are those of every kind there is.
SELECT t.id, t.text FROM term t
WHERE t.id > ? AND t.id <= ? AND t.id < (SELECT max(id) FROM term)
AND NOT EXISTS (
    SELECT 1 FROM label l WHERE l.kind IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) AND l.name = t.id
)

-- name: newest_slot
SELECT max(id) FROM slot

-- name: newest_term
SELECT max(id) FROM term

-- name: remove_slot
DELETE FROM slot WHERE id = ?

-- name: remove_term
DELETE FROM term WHERE id = ?

-- name: due
-- The texts of a submodel are to be read; what is in the index of texts for it now is told once.
INSERT OR IGNORE INTO text_due (pk, before) VALUES (?, ?)

-- name: is_due
SELECT 1 FROM text_due WHERE pk = ?

-- name: some_due
-- Submodels whose texts are to be read, with what was read of them before.
SELECT t.pk, t.before, b.body, EXISTS (SELECT 1 FROM text_wide w WHERE w.pk = t.pk) AS wide
FROM text_due t LEFT JOIN body b ON b.pk = t.pk WHERE t.pk > 0 ORDER BY t.pk LIMIT ?

-- name: not_due
DELETE FROM text_due WHERE pk = ?

-- name: wide
INSERT OR IGNORE INTO text_wide (pk) VALUES (?)

-- name: not_wide
DELETE FROM text_wide WHERE pk = ?

-- name: forget_texts
INSERT INTO texts (texts, rowid, content) VALUES ('delete', ?, ?)

-- name: read_texts
INSERT INTO texts (rowid, content) VALUES (?, ?)

-- name: rebuild
-- Documents after a position whose rows are to be made again.
SELECT d.pk, d.kind, d.revision, b.body,
       CASE WHEN d.pending > 0 THEN (
           SELECT json_group_array(json_array(json(v.path), json(v.attributes))) FROM value_log v WHERE v.pk = d.pk
       ) END AS given, d.blobs, d.live
FROM document d JOIN body b ON b.pk = d.pk WHERE d.pk > ? ORDER BY d.pk LIMIT ?

-- name: snapshot
-- A document by its pk, as a query looks at it.
SELECT d.pk, d.revision, b.body,
       CASE WHEN d.pending > 0 THEN (
           SELECT json_group_array(json_array(json(v.path), json(v.attributes))) FROM value_log v WHERE v.pk = d.pk
       ) END AS given, d.blobs, d.live, d.id, d.kind
FROM document d JOIN body b ON b.pk = d.pk WHERE d.pk = ?

-- name: labelled
-- Documents of a kind with a label, as a query looks at them.
SELECT d.pk FROM label m CROSS JOIN document d ON d.pk = m.pk
WHERE m.kind = ? AND m.name = (SELECT id FROM term WHERE text = ?) AND m.value = ? ORDER BY m.pk

-- name: pk_of
SELECT pk FROM document WHERE kind = ? AND id = ?
