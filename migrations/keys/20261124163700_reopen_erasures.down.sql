ALTER TABLE keys.erasures DROP COLUMN reopened_at;
