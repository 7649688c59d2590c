-- A vector of 2,056 bytes is a little too long for a row that may be kept short, so each lay in two pieces in a table of its
-- own, and comparing one library of 3,000 looked into 18,500 pages (20 ms). In its row it is found with the row: 1,000 pages
-- (2 ms). Rows that are there already move when the read model is built anew; they are right where they are.
ALTER TABLE shape.read_image_vectors ALTER COLUMN vector SET STORAGE PLAIN;

DO $$
DECLARE
    stands text;
BEGIN
    FOR stands IN SELECT 'images_' || generation FROM read_generations WHERE name = 'images' LOOP
        EXECUTE format('ALTER TABLE %I.read_image_vectors ALTER COLUMN vector SET STORAGE PLAIN', stands);
    END LOOP;
END
$$;
