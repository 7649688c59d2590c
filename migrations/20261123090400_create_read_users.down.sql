DROP TABLE read_consents;
DROP TABLE read_users;
