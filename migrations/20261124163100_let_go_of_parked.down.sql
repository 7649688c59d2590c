ALTER TABLE parked DROP COLUMN let_go_at;
