DROP TABLE events;
DROP FUNCTION refuse_change_of_record();
DROP FUNCTION next_position();
