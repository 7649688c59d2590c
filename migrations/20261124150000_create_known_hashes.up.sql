-- The sixteen words of a PDQ hash, each with its number in front: (number << 16) | word, the first from the most
-- significant bits. Two hashes within 31 bits have a word that differs by one bit at most, and so a number in common
-- with the 272 that are asked for (docs/decisions/0016).
CREATE FUNCTION pdq_words(hash bit) RETURNS integer[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ARRAY[
        substring(hash, 1, 16)::integer,
        65536 * 1 + substring(hash, 17, 16)::integer,
        65536 * 2 + substring(hash, 33, 16)::integer,
        65536 * 3 + substring(hash, 49, 16)::integer,
        65536 * 4 + substring(hash, 65, 16)::integer,
        65536 * 5 + substring(hash, 81, 16)::integer,
        65536 * 6 + substring(hash, 97, 16)::integer,
        65536 * 7 + substring(hash, 113, 16)::integer,
        65536 * 8 + substring(hash, 129, 16)::integer,
        65536 * 9 + substring(hash, 145, 16)::integer,
        65536 * 10 + substring(hash, 161, 16)::integer,
        65536 * 11 + substring(hash, 177, 16)::integer,
        65536 * 12 + substring(hash, 193, 16)::integer,
        65536 * 13 + substring(hash, 209, 16)::integer,
        65536 * 14 + substring(hash, 225, 16)::integer,
        65536 * 15 + substring(hash, 241, 16)::integer
    ];

-- Lists of hashes that somebody knows, such as those of an exchange. No read model: they come from outside, not from
-- the record.
CREATE TABLE known_hashes (
    list    text      NOT NULL,
    -- What the list calls it.
    id      text      NOT NULL,
    hash    bit(256)  NOT NULL,
    -- HSH-1: below 50 a hash is never compared, and flat pictures would fill the index with one word.
    quality smallint  NOT NULL CHECK (quality BETWEEN 50 AND 100),
    -- Made here and nowhere else, so that no hash stands under words that are not its own.
    words   integer[] NOT NULL GENERATED ALWAYS AS (pdq_words(hash)) STORED,
    PRIMARY KEY (list, id)
);
-- Exact, unlike a graph of neighbours: a hash that is missed is a picture that is missed.
CREATE INDEX known_hashes_by_word ON known_hashes USING gin (words);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON known_hashes TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
