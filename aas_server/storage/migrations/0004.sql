-- Values of the plant have no revision: `live` is the number in the log of the newest one of a document, or 0.
ALTER TABLE document ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
-- How good a value of the plant was, and when its source saw it, in seconds since 1970.
ALTER TABLE change ADD COLUMN quality TEXT;
ALTER TABLE change ADD COLUMN source REAL;
