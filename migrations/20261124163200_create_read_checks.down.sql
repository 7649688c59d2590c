DROP TABLE read_checks;
