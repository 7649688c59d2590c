DROP TABLE read_scans;
