-- The words of a hash stood in its row as well, which doubled the table; a question reads a hundredth of all rows, one here and
-- one there, so the table has to be small. They now stand in the index only, made by the same function (docs/decisions/0016).
DROP INDEX known_hashes_by_word;
ALTER TABLE known_hashes DROP COLUMN words;
-- A dropped column keeps its room until the rows are written anew.
CLUSTER known_hashes USING known_hashes_pkey;
CREATE INDEX known_hashes_by_word ON known_hashes USING gin (pdq_words(hash));
