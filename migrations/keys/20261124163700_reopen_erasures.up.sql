-- A restored backup brought back what an erasure had taken away: it is open again until it was carried out once more.
-- The first receipt stays.
ALTER TABLE keys.erasures ADD COLUMN reopened_at timestamptz;
