DROP TABLE known_hashes;
DROP FUNCTION pdq_words;
