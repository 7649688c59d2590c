DROP VIEW read_hash_cases;
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT name || '_' || generation AS generation FROM read_generations WHERE name = 'hash_cases' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', made.generation);
    END LOOP;
END
$$;
DROP TABLE shape.read_hash_cases;
DELETE FROM read_digests WHERE name = 'hash_cases';
DELETE FROM read_generations WHERE name = 'hash_cases';
DELETE FROM checkpoints WHERE name = 'hash_cases';
DELETE FROM read_checks WHERE name = 'hash_cases';
