DROP FUNCTION append_events(int[], text[], text[], bigint[], text[], text[], text[], text[], uuid[], uuid[]);
