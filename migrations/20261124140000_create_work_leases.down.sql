DO $$
BEGIN
    REVOKE INSERT, UPDATE ON parked FROM vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
DROP TABLE work_leases;
