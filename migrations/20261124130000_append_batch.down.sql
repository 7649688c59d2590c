DROP FUNCTION append_batch;
