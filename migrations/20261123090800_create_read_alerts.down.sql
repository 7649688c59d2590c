DROP TABLE read_alerts;
