-- Whether a body holds a Blob, whose value most answers leave out: looking for one takes a fifth of a read.
ALTER TABLE document ADD COLUMN blobs INTEGER NOT NULL DEFAULT 0;
UPDATE document SET blobs = 1
WHERE kind = 2 AND pk IN (SELECT pk FROM body WHERE instr(body, CAST('"modelType":"Blob"' AS BLOB)) > 0);
