DROP TABLE read_matches;
