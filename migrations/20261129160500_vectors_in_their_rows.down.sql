ALTER TABLE shape.read_image_vectors ALTER COLUMN vector SET STORAGE EXTERNAL;

DO $$
DECLARE
    stands text;
BEGIN
    FOR stands IN SELECT 'images_' || generation FROM read_generations WHERE name = 'images' LOOP
        EXECUTE format('ALTER TABLE %I.read_image_vectors ALTER COLUMN vector SET STORAGE EXTERNAL', stands);
    END LOOP;
END
$$;
