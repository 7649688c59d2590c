DROP INDEX known_hashes_by_word;
ALTER TABLE known_hashes ADD COLUMN words integer[] NOT NULL GENERATED ALWAYS AS (pdq_words(hash)) STORED;
CREATE INDEX known_hashes_by_word ON known_hashes USING gin (words);
