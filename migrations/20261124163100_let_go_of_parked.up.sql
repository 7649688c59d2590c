-- A read model's stream that somebody let go: it is left out from there on as before, and is told no more. It stays a
-- row, because what a read model leaves out must be the same at every fold.
ALTER TABLE parked ADD COLUMN let_go_at timestamptz;
